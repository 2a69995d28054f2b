import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type IncomingStream,
  StreamError,
  StreamMultiplexer,
  type TunnelStream,
  WindowBudget,
} from '@reversed-vpn/streams/testing'
import { SimClock } from '../sim-clock.js'
import { type SimEnd, simLane } from '../sim-lane.js'
import { ModelEnd } from './model-end.js'
import type { Random } from './random.js'

const MAX_STREAMS = 24
const BUDGET_BYTES = 4_194_304
const MAX_LANES = 5

/** Two multiplexers joined by lanes in memory, with streams that are driven at random and judged. */
export class Model {
  readonly clock = new SimClock()
  readonly ends: ModelEnd[] = []
  readonly counts = { opened: 0, refused: 0, cancelled: 0, cut: 0, reset: 0 }
  readonly #random: Random
  readonly #lanes: (readonly [near: SimEnd, far: SimEnd])[] = []
  readonly #budgets = [new WindowBudget(BUDGET_BYTES), new WindowBudget(BUDGET_BYTES)] as const
  readonly #opener: StreamMultiplexer
  readonly #acceptor: StreamMultiplexer
  readonly #incoming: IncomingStream[] = []
  readonly #halves = new Map<number, ModelEnd>()
  readonly #cancels = new Set<AbortController>()
  #lastKey = 0
  #lastLane = 0

  constructor(random: Random) {
    this.#random = random
    const { now: nowMs, after } = this.clock
    const common = { maxStreams: MAX_STREAMS, maxOpening: 16, holdMs: 1e12, nowMs, after }
    this.#opener = new StreamMultiplexer({ ...common, role: 'opener', budget: this.#budgets[0] })
    this.#acceptor = new StreamMultiplexer({
      ...common,
      role: 'acceptor',
      budget: this.#budgets[1],
      maxStreams: MAX_STREAMS - 4,
      onOpen: (incoming) => this.#incoming.push(incoming),
    })
  }

  async step(): Promise<void> {
    const random = this.#random
    const kind = random.next()
    const live = this.ends.filter((end) => !end.isOver)
    if (kind < 0.35) this.#deliver(random.skewed(200_000))
    else if (kind < 0.6) random.pick(live)?.write(random.skewed(100_000))
    else if (kind < 0.8) random.pick(live)?.read()
    else if (kind < 0.86) this.#open()
    else if (kind < 0.93) this.#answer()
    else if (kind < 0.96) this.clock.advance(random.between(1, 60))
    else if (kind < 0.965) this.#reset(live)
    else if (kind < 0.97) random.pick([...this.#cancels])?.abort(new Error('no longer wanted'))
    else if (kind < 0.982) this.#cut()
    else if (kind < 0.983) while (this.#lanes.length > 0) this.#cut()
    else if (this.#lanes.filter(([near, far]) => !near.isDown && !far.isDown).length < MAX_LANES)
      this.#addLane()
    await turn()
    this.#checkAlways()
  }

  /** Everything is answered, sent, read and ended, over lanes that stay. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4000 && !this.isQuiet; round++) {
      if (this.#lanes.every(([near, far]) => near.isDown || far.isDown)) this.#addLane()
      while (this.#incoming.length > 0) this.#answer()
      // An end that hears nothing more takes its peer for dead in time.
      for (const lane of this.#lanes)
        if (round >= 20 && lane.some((end) => end.isDown)) for (const end of lane) end.goDown()
      for (const end of this.ends) end.write(100_000)
      for (const end of this.ends) end.read()
      for (const [near, far] of this.#lanes)
        for (const end of [near, far]) end.deliver(Number.POSITIVE_INFINITY)
      this.clock.advance(60)
      await turn()
      this.#checkAlways()
      this.#dropDown()
    }
  }

  get isQuiet(): boolean {
    const waiting = this.#lanes.flat().some((end) => end.outgoingBytes > 0)
    return !waiting && this.#cancels.size === 0 && this.#leftovers.every(([, count]) => count === 0)
  }

  /** Nothing is kept when nothing is under way. */
  checkEnd(): void {
    assert.deepEqual(
      Object.fromEntries(this.#leftovers),
      Object.fromEntries(this.#leftovers.map(([what]) => [what, 0])),
    )
    for (const end of this.ends) end.check()
  }

  get #leftovers(): [what: string, count: number][] {
    return [this.#opener, this.#acceptor].flatMap((side, index): [string, number][] => [
      [`streams ${index}`, side.streams],
      [`kept bytes ${index}`, side.snapshot().keptBytes],
      [`held bytes ${index}`, side.snapshot().heldBytes],
      [`open ${index}`, side.snapshot().open],
      [`opening ${index}`, side.snapshot().opening],
      [`gone lanes ${index}`, side.goneLanes],
      [`promised bytes ${index}`, this.#budgets[index]?.promisedBytes ?? -1],
    ])
  }

  #checkAlways(): void {
    for (const budget of this.#budgets) {
      assert.ok(budget.promisedBytes >= 0 && budget.promisedBytes <= BUDGET_BYTES + MAX_STREAMS * 2 * 16_384)
    }
    assert.ok(this.#opener.streams <= MAX_STREAMS)
    this.#checkSide(0)
    this.#checkSide(1)
    for (const [near, far] of this.#lanes)
      for (const end of [near, far])
        if (end.failure !== undefined) assert.match(end.failure.message, /^the peer has lost lane /)
  }

  /** Windows, what they hold, and what is kept, against each other and their limits. */
  #checkSide(index: 0 | 1): void {
    const side = index === 0 ? this.#opener : this.#acceptor
    const { open, opening, heldBytes, keptBytes } = side.snapshot()
    assert.ok(open >= 0 && opening >= 0 && open + opening <= side.streams, `${open} open, ${opening} opening`)
    assert.ok(heldBytes >= 0 && heldBytes <= this.#budgets[index].promisedBytes, `${heldBytes} B held`)
    const links = this.#lanes.flatMap((lane) => lane[index].link ?? [])
    const onLanes = links.reduce((sum, link) => sum + link.keptBytes, 0)
    assert.ok(onLanes <= keptBytes, `${onLanes} B kept of lanes, ${keptBytes} B in all`)
    for (const { keptFrames, keptBytes } of links)
      assert.ok(
        keptFrames <= 65_536 && keptBytes < 33_554_432 + 16_394,
        `${keptFrames} frames, ${keptBytes} B kept`,
      )
  }

  #open(): void {
    const key = ++this.#lastKey
    const cancel = new AbortController()
    this.#cancels.add(cancel)
    const opening = this.#opener.open({ host: `s${key}`, port: 443, isName: true }, { signal: cancel.signal })
    const onOpened = (stream: TunnelStream) => {
      this.counts.opened++
      this.#add(stream, key, 0)
    }
    const onFailed = (error: Error) => {
      if (!(error instanceof StreamError)) this.counts.cancelled++
      else {
        this.counts.refused++
        assert.equal(error.code, 'ERR_STREAM_REFUSED', error.message)
      }
    }
    opening.then(onOpened, onFailed).finally(() => this.#cancels.delete(cancel))
  }

  #answer(): void {
    const incoming = this.#incoming.shift()
    if (incoming === undefined) return
    if (this.#random.chance(0.15)) incoming.refuse('refused', 'as the model wants')
    else {
      const stream = incoming.accept('10.0.0.1')
      if (stream !== undefined) this.#add(stream, Number(incoming.request.host.slice(1)), 1)
    }
  }

  #add(stream: TunnelStream, key: number, direction: 0 | 1): void {
    const end = new ModelEnd(stream, key, direction, this.#random)
    const other = this.#halves.get(key)
    // The opener may leave before it hears that the acceptor has accepted: then there is one end only, which is reset.
    if (other === undefined) this.#halves.set(key, end)
    else {
      end.other = other
      other.other = end
      this.ends.push(end, other)
    }
  }

  #reset(live: readonly ModelEnd[]): void {
    const end = this.#random.pick(live)
    if (end !== undefined) this.counts.reset++
    end?.reset()
  }

  #deliver(bytes: number): void {
    this.#dropDown()
    this.#random.pick(this.#random.pick(this.#lanes) ?? [])?.deliver(bytes)
  }

  #addLane(): void {
    const { near, far } = simLane(this.#random.chance(0.8) ? this.#random.between(1, 200) : undefined)
    const number = ++this.#lastLane
    near.attach(this.#opener, number)
    // WELCOME may be lost with its lane.
    if (this.#random.chance(0.05)) near.goDown()
    else {
      far.attach(this.#acceptor, number)
      this.#lanes.push([near, far])
    }
  }

  /** One end notices at once; what it had sent arrives in part; the other notices now or when RESUME comes. */
  #cut(): void {
    const random = this.#random
    const index = random.between(0, this.#lanes.length - 1)
    const lane = this.#lanes[index]
    if (lane === undefined) return
    this.counts.cut++
    const [first, second] = random.chance(0.5) ? lane : ([lane[1], lane[0]] as const)
    second.lose()
    first.goDown()
    first.deliver(random.skewed(200_000))
    first.lose()
    if (random.chance(0.6)) second.goDown()
    if (second.isDown) this.#lanes.splice(index, 1)
    else second.other = undefined
    this.#dropDown()
  }

  #dropDown(): void {
    for (let index = this.#lanes.length - 1; index >= 0; index--) {
      const [near, far] = this.#lanes[index] as readonly [SimEnd, SimEnd]
      if (near.isDown && far.isDown) this.#lanes.splice(index, 1)
    }
  }
}
