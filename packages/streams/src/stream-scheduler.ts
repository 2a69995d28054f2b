import type { Channel } from './channel.js'
import { buildNextFrame } from './channel-frames.js'
import { Fifo } from './fifo.js'
import { QUANTUM_BYTES } from './limits.js'
import type { SentFrame } from './sent-frame.js'

/**
 * Which frame goes next on a lane. Streams that send little, and those with frames without data, come first and in turn; bulk
 * shares what is left by deficit round robin, `QUANTUM_BYTES` of data a turn. A turn may end with a frame that is too long for
 * it, which is paid for in the next: data has no frames of its own that would have to fit.
 */
export class StreamScheduler {
  readonly #sparse = new Fifo<Channel>()
  readonly #bulk = new Fifo<Channel>()
  readonly #nowMs: () => number
  /** Whose turn is not over. */
  #current: Channel | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Queues a channel that has something to send and is not queued. */
  add(channel: Channel): void {
    channel.isQueued = true
    if (channel.hasOnlyData && channel.account.isBulk(this.#nowMs())) this.#bulk.push(channel)
    else this.#sparse.push(channel)
  }

  /** The next frame; undefined when there is none. */
  next(): SentFrame | undefined {
    for (let channel = this.#sparse.shift(); channel !== undefined; channel = this.#sparse.shift()) {
      const frame = buildNextFrame(channel, QUANTUM_BYTES)
      this.#charge(channel, frame)
      this.#requeue(channel)
      if (frame !== undefined) return frame
    }
    return this.#nextBulk()
  }

  /** All that are queued, which are not any more. */
  drain(): Channel[] {
    const channels = [...this.#sparse.drain(), ...this.#bulk.drain()]
    if (this.#current !== undefined) channels.push(this.#current)
    this.#current = undefined
    for (const channel of channels) channel.isQueued = false
    return channels
  }

  #nextBulk(): SentFrame | undefined {
    for (;;) {
      const channel = this.#current ?? this.#bulk.shift()
      if (channel === undefined) return undefined
      if (this.#current === undefined)
        channel.deficitBytes = Math.min(0, channel.deficitBytes) + QUANTUM_BYTES
      this.#current = undefined
      const frame = buildNextFrame(channel, QUANTUM_BYTES)
      this.#charge(channel, frame)
      channel.deficitBytes -= frame?.dataBytes ?? 0
      if (frame !== undefined && channel.deficitBytes > 0 && channel.hasWork) this.#current = channel
      else this.#requeue(channel)
      if (frame !== undefined) return frame
    }
  }

  #requeue(channel: Channel): void {
    channel.isQueued = false
    if (channel.hasWork && !channel.isWaitingForRoom) this.add(channel)
  }

  #charge(channel: Channel, frame: SentFrame | undefined): void {
    if (frame !== undefined && frame.dataBytes > 0) channel.account.charge(frame.dataBytes, this.#nowMs())
  }
}
