import { setImmediate as turn } from 'node:timers/promises'
import { FrameDecoder, StreamFrameReader } from '@reversed-vpn/protocol'
import { type IncomingStream, StreamMultiplexer, WindowBudget } from '@reversed-vpn/streams/testing'
import { SimClock } from '../sim-clock.js'
import { SimEnd } from '../sim-lane.js'
import { NAMES } from './frames.js'

interface Said {
  readonly name: string
  readonly id: number
  /** As `StreamFrameReader.value` has it; the bytes of data in STREAM_DATA. */
  readonly value: number
}

interface Settings {
  readonly maxStreams?: number
  readonly maxOpening?: number
  readonly budgetBytes?: number
  readonly holdMs?: number
}

/** A multiplexer with a peer whose frames are written by hand. */
export class Stage {
  readonly clock = new SimClock()
  readonly incoming: IncomingStream[] = []
  readonly budget: WindowBudget
  readonly multiplexer: StreamMultiplexer
  endings = 0

  constructor(role: 'opener' | 'acceptor', settings: Settings = {}) {
    const { maxStreams = 64, maxOpening = 64, budgetBytes = 67_108_864, holdMs = 30_000 } = settings
    this.budget = new WindowBudget(budgetBytes)
    this.multiplexer = new StreamMultiplexer({
      role,
      budget: this.budget,
      maxStreams,
      maxOpening,
      holdMs,
      nowMs: this.clock.now,
      after: this.clock.after,
      onOpen: (incoming) => this.incoming.push(incoming),
      onEnd: () => {
        this.endings++
      },
    })
  }

  lane(number: number, { rttMs }: { readonly rttMs?: number | undefined } = { rttMs: 10 }): RawPeer {
    return new RawPeer(this.multiplexer, number, rttMs)
  }
}

/** The peer's end of one lane: says what a test wants, and hears what the multiplexer says. */
export class RawPeer {
  readonly end: SimEnd
  readonly #heard: Said[] = []
  readonly #decoder: FrameDecoder

  constructor(multiplexer: StreamMultiplexer, number: number, rttMs: number | undefined) {
    const reader = new StreamFrameReader()
    this.#decoder = new FrameDecoder({
      onFrame: (view) => {
        reader.read(view)
        const name = NAMES[view.type] ?? '?'
        const value = name === 'STREAM_DATA' ? view.payloadBytes - 6 : reader.value
        if (name !== 'RECEIVED') this.heardFrames++
        this.#heard.push({ name, id: reader.id, value })
      },
    })
    this.end = new SimEnd(rttMs)
    this.end.other = { receive: (chunk) => this.#decoder.push(chunk) }
    this.end.attach(multiplexer, number)
  }

  /** Says frames, in one chunk. */
  say(...frames: readonly Buffer[]): void {
    this.end.receive(Buffer.concat(frames))
  }

  /** What the multiplexer has said since, RECEIVED left out. */
  async hear(): Promise<Said[]> {
    return (await this.hearAll()).filter(({ name }) => name !== 'RECEIVED')
  }

  /** Counted frames that it has heard. */
  heardFrames = 0

  /** Has the multiplexer do what it can without the peer. */
  async settle(): Promise<void> {
    await turn()
  }

  /** What waits at the lane now, RECEIVED left out; it takes more then. */
  async hearChunk(): Promise<Said[]> {
    await turn()
    this.end.deliver(Number.POSITIVE_INFINITY)
    return this.#heard.splice(0).filter(({ name }) => name !== 'RECEIVED')
  }

  async hearAll(): Promise<Said[]> {
    await turn()
    while (this.end.outgoingBytes > 0 && !this.end.isDown) {
      this.end.deliver(Number.POSITIVE_INFINITY)
      await turn()
    }
    return this.#heard.splice(0)
  }
}
