import { type SendingPath, StartupWatch } from '@reversed-vpn/session/testing'
import t from 'tap'

const BBR = 'bbr'
const STARTUP = 2.89
const CRUISE = 1
const PATH_MS = 50
const RATE = 25_000_000

/** A path as the kernel reports it, with all the limits that were set. */
class FakePath implements SendingPath {
  queueMs = 0
  rate = RATE
  gain: number | undefined = STARTUP
  isClosed = false
  congestion = BBR
  isInSlowStart = false
  isBbrRefused = false
  isArriving = true
  ackedBytes = 0
  looks = 0
  readonly limits: (number | undefined)[] = []

  readInfo() {
    if (this.isClosed) return undefined
    this.looks++
    const { ackedBytes, isInSlowStart } = this
    const roundTripUs = 1000 * (PATH_MS + this.queueMs)
    return { roundTripUs, minRoundTripUs: 1000 * PATH_MS, isInSlowStart, ackedBytes }
  }

  readBbrPacingGain() {
    return this.gain
  }

  readCongestion() {
    return this.congestion
  }

  setCongestion(name: string) {
    if (!this.isBbrRefused) this.congestion = name
    return !this.isBbrRefused
  }

  setMaxRate(bytesPerSecond: number | undefined) {
    this.limits.push(bytesPerSecond)
  }
}

/** Bulk of a lane over such a path. */
class Bulk {
  readonly path: FakePath
  readonly #watch: StartupWatch
  #nowMs = 1000

  constructor(state: PathState, wanted: string) {
    this.path = Object.assign(new FakePath(), state)
    this.#watch = new StartupWatch(this.path, wanted)
  }

  /** Sends at the rate of the path. */
  flow(ms: number, everyMs = 1): void {
    for (let passedMs = 0; passedMs < ms; passedMs += everyMs) {
      this.#nowMs += everyMs
      const bytes = (this.path.rate * everyMs) / 1000
      if (this.path.isArriving) this.path.ackedBytes += bytes
      this.#watch.onSent(bytes, this.#nowMs)
    }
  }

  pause(ms: number): void {
    this.#nowMs += ms
  }
}

t.test('where a queue stands in STARTUP, bulk is held a little below the rate of the path', async (t) => {
  const { path, flow } = flowing({ queueMs: 30 })
  flow(500)
  t.equal(path.limits.length, 1)
  const share = (path.limits[0] ?? 0) / RATE
  t.ok(share > 0.8 && share < 0.9, `${share} of the path's rate`)

  t.test('until BBR has left it, and from then on nothing is asked any more', async (t) => {
    path.gain = 0.35
    flow(200)
    t.strictSame(path.limits.slice(1), [undefined])
    const { looks } = path
    path.gain = STARTUP
    flow(5000)
    t.equal(path.looks, looks)
    t.equal(path.limits.length, 2)
  })
})

t.test('it takes a queue that stands', async (t) => {
  for (const [what, queueMs, gain] of [
    ['a short one', 5, STARTUP],
    ['one that BBR knows of', 30, CRUISE],
    ['one of another congestion control', 30, undefined],
  ] as const) {
    const { path, flow } = flowing({ queueMs, gain })
    flow(3000)
    t.strictSame(path.limits, [], what)
  }
})

t.test('what comes in bursts far apart fills no queue, whatever the last round trip was', async (t) => {
  const { path, flow, pause } = flowing({ queueMs: 30 })
  for (let burst = 0; burst < 20; burst++) {
    flow(15)
    pause(2000)
  }
  t.strictSame(path.limits, [])
})

t.test('a path on which nothing arrives gets no limit', async (t) => {
  const { path, flow } = flowing({ queueMs: 30 })
  path.isArriving = false
  flow(2000)
  t.strictSame(path.limits, [])
})

t.test('a limit that does not help is lifted, and not tried again at once', async (t) => {
  const { path, flow } = flowing({ queueMs: 30 })
  flow(9000)
  t.equal(path.limits.length, 2)
  t.equal(path.limits[1], undefined)
  flow(6000)
  t.equal(path.limits.length, 4, 'but later')
})

t.test('of a connection that is gone nothing is asked', async (t) => {
  const { path, flow } = flowing({ queueMs: 30 })
  path.isClosed = true
  flow(1000)
  t.strictSame(path.limits, [])
})

t.test('a connection that begins with another congestion control gets BBR', async (t) => {
  for (const [when, change] of [
    ['when its slow start has ended', { isInSlowStart: false }],
    ['when a queue stands', { queueMs: 30 }],
  ] as const) {
    const { path, flow } = flowing(BEGINNING)
    flow(3000)
    t.equal(path.congestion, 'cubic', 'not before')
    Object.assign(path, change)
    flow(200)
    t.equal(path.congestion, BBR, when)
  }
})

t.test('and is watched as if it had had it from the beginning', async (t) => {
  const { path, flow } = flowing(BEGINNING)
  path.queueMs = 30
  flow(500)
  t.equal(path.limits.length, 1)
})

t.test('so does one that sends little', async (t) => {
  const { path, flow, pause } = flowing({ ...BEGINNING, rate: 1_000_000, isInSlowStart: false })
  for (let second = 0; second < 20; second++) {
    flow(1)
    pause(1000)
  }
  t.equal(path.congestion, BBR)
})

t.test('but not where it is to have another, or the kernel refuses BBR', async (t) => {
  const chosen = flowing({ ...BEGINNING, isInSlowStart: false }, 'cubic')
  const refused = flowing({ ...BEGINNING, isInSlowStart: false, isBbrRefused: true })
  for (const { path, flow } of [chosen, refused]) {
    flow(3000)
    t.equal(path.congestion, 'cubic')
    t.strictSame(path.limits, [])
  }
  t.equal(refused.path.looks, 1, 'nor is it asked again')
})

/** Slow start, under the congestion control that has it on a high-RTT path. */
const BEGINNING = { congestion: 'cubic', isInSlowStart: true, gain: STARTUP }

type PathState = Partial<FakePath>

function flowing(state: PathState = {}, wanted = BBR) {
  const bulk = new Bulk(state, wanted)
  return {
    path: bulk.path,
    flow: (ms: number) => bulk.flow(ms),
    pause: (ms: number) => bulk.pause(ms),
  }
}
