import { Duplex } from 'node:stream'
import type { FrameView } from '@reversed-vpn/protocol'
import type { Channel } from './channel.js'
import type { ChannelUser } from './channel-hub.js'
import { ReceiveQueue } from './receive-queue.js'
import { StreamError } from './stream-error.js'

/** An id stands before the data of a frame. */
const ID_BYTES = 6

/** What its reader may hold beyond the window, and its writer before `write` says false. */
const HIGH_WATER_MARK_BYTES = 65_536

/**
 * One stream. `end()` sends FIN and leaves the other direction open; `destroy()` sends RESET, with the reason of a
 * {@link StreamError} or `cancelled`. A RESET of the peer destroys it with a `StreamError`.
 */
export class TunnelStream extends Duplex implements ChannelUser {
  /** The canonical address at the other end, as the acceptor dialled it. */
  readonly address: string
  readonly #channel: Channel
  readonly #queue = new ReceiveQueue()
  #isReading = false
  #hasEnded = false

  /** @param channel that it becomes the user of */
  constructor(channel: Channel, address: string) {
    super({ allowHalfOpen: true, decodeStrings: true, highWaterMark: HIGH_WATER_MARK_BYTES })
    this.#channel = channel
    channel.user = this
    this.address = address
    // A RESET right behind OPENED comes before anyone can listen.
    this.on('error', () => {})
  }

  get id(): number {
    return this.#channel.id
  }

  receiveData(view: FrameView): void {
    if (this.destroyed) return
    let skippedBytes = ID_BYTES
    for (let index = 0; index < view.pieceCount; index++) {
      const length = view.length(index)
      const skipped = Math.min(skippedBytes, length)
      skippedBytes -= skipped
      if (length > skipped) this.#queue.add(view.chunk(index), view.offset(index) + skipped, length - skipped)
    }
    if (this.#isReading) this.#handOver()
  }

  receiveEnd(): void {
    this.#hasEnded = true
    if (this.#isReading) this.#handOver()
  }

  receiveReset(error: StreamError): void {
    this.destroy(error)
  }

  override _read(): void {
    this.#isReading = true
    this.#handOver()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#channel.write([chunk], done)
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: () => void): void {
    this.#channel.write(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: () => void): void {
    this.#channel.finish(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#queue.clear()
    const isReset = error instanceof StreamError && error.code === 'ERR_STREAM_RESET'
    this.#channel.reset(isReset ? (error.reason as 'cancelled') : 'cancelled')
    done(error)
  }

  #handOver(): void {
    while (this.#isReading && !this.destroyed) {
      const chunk = this.#queue.take()
      if (chunk === undefined) break
      this.#isReading = this.push(chunk)
      this.#channel.consumed(chunk.length)
    }
    if (this.#isReading && this.#hasEnded && this.#queue.isEmpty) {
      this.#isReading = false
      this.push(null)
    }
  }
}
