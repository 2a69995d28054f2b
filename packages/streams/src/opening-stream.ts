import type { Channel } from './channel.js'
import type { ChannelWaiter } from './channel-hub.js'
import type { StreamError } from './stream-error.js'
import { TunnelStream } from './tunnel-stream.js'

/** What an opener waits for: an answer, or that its signal aborts. */
export class OpeningStream implements ChannelWaiter {
  readonly #signal: AbortSignal
  readonly #resolve: (stream: TunnelStream) => void
  readonly #reject: (reason: unknown) => void
  #channel: Channel | undefined

  constructor(
    signal: AbortSignal,
    resolve: (stream: TunnelStream) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
  }

  start(channel: Channel): void {
    this.#channel = channel
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  onOpened(address: string): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#resolve(new TunnelStream(this.#channel as Channel, address))
  }

  onFailed(error: StreamError): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#reject(error)
  }

  readonly #onAbort = (): void => {
    this.#channel?.reset('cancelled')
    this.#reject(this.#signal.reason)
  }
}
