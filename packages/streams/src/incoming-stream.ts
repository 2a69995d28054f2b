import type { OpenRequest, RefusedReason } from '@reversed-vpn/protocol'
import type { Channel } from './channel.js'
import { TunnelStream } from './tunnel-stream.js'

/** What an opener asks for. One of `accept` and `refuse` is called, once; neither does anything when the opener has left. */
export class IncomingStream {
  readonly request: OpenRequest
  /** Aborts when the opener has left before it was answered. */
  readonly signal: AbortSignal
  readonly #channel: Channel
  readonly #onAnswer: (stream?: TunnelStream) => void

  constructor(
    request: OpenRequest,
    channel: Channel,
    signal: AbortSignal,
    onAnswer: (stream?: TunnelStream) => void,
  ) {
    this.request = request
    this.signal = signal
    this.#channel = channel
    this.#onAnswer = onAnswer
  }

  /** @param address that was dialled, in canonical text @returns undefined when the opener has left */
  accept(address: string): TunnelStream | undefined {
    if (this.#channel.phase !== 'opening') return undefined
    const stream = new TunnelStream(this.#channel, address)
    this.#onAnswer(stream)
    this.#channel.accept(address)
    return stream
  }

  /** @param detail for people, up to 200 bytes of UTF-8: the rest is cut */
  refuse(reason: RefusedReason, detail: string): void {
    if (this.#channel.phase !== 'opening') return
    this.#onAnswer()
    this.#channel.refuse(reason, detail)
  }
}
