import { type CarriedKind, type HelloMessage, TunnelError, type WelcomeMessage } from '@reversed-vpn/protocol'
import type { JoinStreams } from '@reversed-vpn/session'
import { type IncomingStream, StreamMultiplexer, type WindowBudget } from '@reversed-vpn/streams'
import { STREAM_CLOCK, type StreamTotals } from '@reversed-vpn/tunnel-daemon'

interface SeedStreamsOptions {
  /** What lanes may carry, streams among them. */
  readonly carries: readonly CarriedKind[]
  /** Of the process. */
  readonly budget: WindowBudget
  readonly maxStreams: number
  /** Streams that wait for their dial. */
  readonly maxOpening: number
  /** How long a multiplexer outlives its last lane, in ms. */
  readonly holdMs: number
  /** Takes each stream that the seed side opens. Must not throw. */
  readonly onOpen: (incoming: IncomingStream) => void
  /** Counts what they do. */
  readonly totals: StreamTotals
}

/** Multiplexers that have ended and are remembered: a WELCOME that names one was overtaken by its end. */
const MAX_ENDED = 8

/** The multiplexer that this process has with one seed-server: the one of before, or a new one when the seed side says so. */
export class SeedStreams {
  readonly #options: SeedStreamsOptions
  readonly #ended: string[] = []
  #id: string | undefined
  #multiplexer: StreamMultiplexer | undefined

  constructor(options: SeedStreamsOptions) {
    this.#options = options
  }

  /** Absent before the first lane, and once it has ended. */
  get multiplexer(): StreamMultiplexer | undefined {
    return this.#multiplexer
  }

  /** What HELLO says of streams. */
  get hello(): Pick<HelloMessage, 'carries' | 'streams'> {
    return { carries: this.#options.carries, ...(this.#id !== undefined && { streams: this.#id }) }
  }

  /**
   * How the lane of that WELCOME joins; undefined: it carries no streams. Another multiplexer than before ends that one.
   * @throws TunnelError ERR_PEER_CLOSED for a multiplexer that has ended here
   */
  admit({ carries, streams }: WelcomeMessage): JoinStreams | undefined {
    if (streams === undefined || carries?.includes('streams') !== true) return undefined
    const { id, lane } = streams
    if (this.#ended.includes(id)) throw new TunnelError('ERR_PEER_CLOSED', 'its streams have ended meanwhile')
    const multiplexer = this.#id === id ? this.#multiplexer : undefined
    const joined = multiplexer ?? this.#begin(id)
    return (own) => joined.addLane(lane, own)
  }

  /** A session was ended in order: the seed-server has left, and does not come back for its streams. */
  onLeft(): void {
    if (this.#multiplexer?.lanes === 0) this.#multiplexer.close('lanes-lost')
  }

  /** Ends all streams. */
  close(): void {
    this.#multiplexer?.close('shutting-down')
  }

  #begin(id: string): StreamMultiplexer {
    this.#multiplexer?.close('lanes-lost')
    const multiplexer: StreamMultiplexer = new StreamMultiplexer({
      ...STREAM_CLOCK,
      ...this.#options,
      role: 'acceptor',
      onEnd: () => {
        this.#options.totals.end(multiplexer)
        this.#ended.push(id)
        if (this.#ended.length > MAX_ENDED) this.#ended.shift()
        if (this.#multiplexer !== multiplexer) return
        this.#id = undefined
        this.#multiplexer = undefined
      },
    })
    this.#options.totals.add(multiplexer)
    this.#id = id
    this.#multiplexer = multiplexer
    return multiplexer
  }
}
