import type { OpenRequest, RefusedReason } from '@reversed-vpn/protocol'
import type { Channel } from './channel.js'
import type { ChannelWaiter } from './channel-hub.js'
import type { StreamError } from './stream-error.js'
import { TunnelStream } from './tunnel-stream.js'

/** What an opener asks for. One of `accept` and `refuse` is called, once; neither does anything when the opener has left. */
export class IncomingStream implements ChannelWaiter {
  readonly request: OpenRequest
  #channel: Channel | undefined
  #failure: StreamError | undefined
  /** Made when it is asked for: most of a flood of streams are refused before. */
  #leaving: AbortController | undefined

  constructor(request: OpenRequest) {
    this.request = request
  }

  /** Aborts when the opener has left before it was answered. */
  get signal(): AbortSignal {
    if (this.#leaving === undefined) {
      this.#leaving = new AbortController()
      if (this.#failure !== undefined) this.#leaving.abort(this.#failure)
    }
    return this.#leaving.signal
  }

  start(channel: Channel): void {
    this.#channel = channel
  }

  /** @param address that was dialled, in canonical text @returns undefined when the opener has left */
  accept(address: string): TunnelStream | undefined {
    const channel = this.#channel
    if (channel?.phase !== 'opening') return undefined
    const stream = new TunnelStream(channel, address)
    channel.accept(address)
    return stream
  }

  /** @param detail for people, up to 200 bytes of UTF-8: the rest is cut */
  refuse(reason: RefusedReason, detail: string): void {
    if (this.#channel?.phase === 'opening') this.#channel.refuse(reason, detail)
  }

  onOpened(): void {}

  onFailed(error: StreamError): void {
    this.#failure = error
    this.#leaving?.abort(error)
  }
}
