import { LaneWindow } from '@reversed-vpn/streams/testing'
import t from 'tap'

const LEAST = 524_288
const FRAME = 16_384

/** A lane of one bottleneck: `rate` bytes a millisecond, `delayMs` there and back, and a sender that always has more. */
class Path {
  readonly window = new LaneWindow()
  rate: number
  delayMs: number
  nowMs = 0
  keptBytes = 0
  deliveredBytes = 0
  /** Since `longestMs` was read last. */
  #longestMs = 0
  #isLimited = false
  #sent = 0
  #acked = 0
  #freeAtMs = 0
  readonly #arrivals: { readonly atMs: number; readonly sentAtMs: number }[] = []

  constructor(rate: number, delayMs: number) {
    this.rate = rate
    this.delayMs = delayMs
  }

  /** The longest that a frame was on its way since the last call. */
  takeLongestMs(): number {
    const longest = this.#longestMs
    this.#longestMs = 0
    return longest
  }

  /** Runs with always more to send. @returns how much of the rate was used */
  use(ms: number): number {
    const before = this.deliveredBytes
    this.run(ms)
    return (this.deliveredBytes - before) / (ms * this.rate)
  }

  run(ms: number, offered = Number.POSITIVE_INFINITY): void {
    let left = offered
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 0.25) {
      this.#receive()
      while (left > 0 && this.keptBytes < this.window.limitBytes) {
        left -= FRAME
        this.#send()
      }
      if (left > 0) this.#isLimited = true
    }
  }

  #send(): void {
    this.#freeAtMs = Math.max(this.nowMs, this.#freeAtMs) + FRAME / this.rate
    this.#arrivals.push({ atMs: this.#freeAtMs + this.delayMs, sentAtMs: this.nowMs })
    this.keptBytes += FRAME
    this.window.sent(++this.#sent, this.nowMs)
  }

  #receive(): void {
    let bytes = 0
    while ((this.#arrivals[0]?.atMs ?? Number.POSITIVE_INFINITY) <= this.nowMs) {
      const { sentAtMs } = this.#arrivals.shift() as { sentAtMs: number }
      this.#longestMs = Math.max(this.#longestMs, this.nowMs - sentAtMs)
      bytes += FRAME
      this.#acked++
    }
    if (bytes === 0) return
    this.keptBytes -= bytes
    this.deliveredBytes += bytes
    this.window.acknowledged(this.#acked, bytes, this.nowMs, this.#isLimited)
    this.#isLimited = false
  }
}

for (const [rate, delayMs] of [
  [10_000, 0.5],
  [100_000, 0.5],
  [100_000, 10],
  [50_000, 50],
  [12_500, 200],
] as const) {
  t.test(
    `${rate / 1000} MB/s with ${delayMs} ms are used, and no frame waits long behind others`,
    async (t) => {
      const path = new Path(rate, delayMs)
      path.run(20 * delayMs + 500)
      path.takeLongestMs()
      const used = path.use(5000)
      t.ok(used > 0.98, `${used.toFixed(3)} of the rate`)
      const allowedMs = Math.max(LEAST / rate, 3 * delayMs + 20) + delayMs + 10
      const longestMs = path.takeLongestMs()
      t.ok(longestMs <= allowedMs, `${longestMs} ms at most, of ${allowedMs}`)
    },
  )
}

t.test('it grows to what a long path needs in a few round trips', async (t) => {
  const path = new Path(100_000, 100)
  path.run(1200)
  t.ok(path.use(500) > 0.95)
})

t.test('a path that gets longer is used again once it was measured', async (t) => {
  const path = new Path(50_000, 5)
  path.run(5000)
  path.delayMs = 150
  path.run(45_000)
  const used = path.use(5000)
  t.ok(used > 0.95, `${used.toFixed(3)} of the rate`)
})

t.test('a path that gets slower gets less on its way', async (t) => {
  const path = new Path(100_000, 10)
  path.run(5000)
  path.rate = 20_000
  path.run(6000)
  path.takeLongestMs()
  path.run(2000)
  t.ok(path.takeLongestMs() < 3 * 10 + 20 + 20)
})

t.test('to measure an old path again costs next to nothing', async (t) => {
  const path = new Path(50_000, 50)
  path.run(2000)
  const used = path.use(120_000)
  t.ok(used > 0.98, `${used.toFixed(4)} of the rate`)
})

t.test('without much to send it stays as it begins', async (t) => {
  const path = new Path(100_000, 5)
  for (let second = 0; second < 100; second++) path.run(1000, 10 * FRAME)
  t.equal(path.window.limitBytes, LEAST)
})

t.test(
  'a lane that begins long after the clock is not held back for a round trip that was never measured',
  (t) => {
    const window = new LaneWindow()
    window.sent(8, 1e6)
    window.acknowledged(4, LEAST / 2, 1e6 + 5, true)
    t.equal(window.limitBytes, LEAST)
    t.end()
  },
)
