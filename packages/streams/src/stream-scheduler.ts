import type { Channel } from './channel.js'
import { buildNextFrame } from './channel-frames.js'
import { Fifo } from './fifo.js'
import { EARLY_BYTES, QUANTUM_BYTES } from './limits.js'
import type { SentFrame } from './sent-frame.js'

/**
 * Which frame goes next on a lane. What has no data to send comes first. Data is shared by deficit round robin:
 * `QUANTUM_BYTES` for each stream in each round. A stream that begins to send gets `EARLY_BYTES` of the present round at
 * once, and waits for the next with the rest, unless it is alone. So a stream that sends little waits for no other, however
 * many there are, and who stops and begins again gets that much more than its share, and no more.
 *
 * A turn may end with a frame that is too long for it, which is paid for in the next: data has no frames of its own that would
 * have to fit.
 */
export class StreamScheduler {
  readonly #urgent = new Fifo<Channel>()
  /** Those that have something left of what they may send at once. */
  readonly #early = new Fifo<Channel>()
  /** Those that wait for the next one. */
  readonly #late = new Fifo<Channel>()
  #round = 1
  /** Turns until this round is over. */
  #turnsLeft = 0

  /** Queues a channel that has something to send and is not queued. */
  add(channel: Channel): void {
    channel.isQueued = true
    if (!channel.hasOnlyData) this.#urgent.push(channel)
    else if (channel.round !== this.#round) {
      const isAlone = this.#early.length === 0 && this.#late.length === 0
      this.#grant(channel, isAlone ? QUANTUM_BYTES : EARLY_BYTES)
      this.#early.push(channel)
    } else if (channel.deficitBytes > 0) this.#early.push(channel)
    else this.#late.push(channel)
  }

  /** The next frame; undefined when there is none. */
  next(): SentFrame | undefined {
    for (;;) {
      const channel = this.#urgent.shift() ?? this.#early.shift() ?? this.#nextLate()
      if (channel === undefined) return undefined
      const frame = buildNextFrame(channel, Math.max(EARLY_BYTES, channel.deficitBytes))
      if (frame !== undefined) channel.deficitBytes -= frame.dataBytes
      channel.isQueued = false
      if (channel.hasWork && !channel.isWaitingForRoom) this.add(channel)
      if (frame !== undefined) return frame
    }
  }

  /** All that are queued, which are not any more. */
  drain(): Channel[] {
    const channels = [...this.#urgent.drain(), ...this.#early.drain(), ...this.#late.drain()]
    for (const channel of channels) channel.isQueued = false
    return channels
  }

  #nextLate(): Channel | undefined {
    if (this.#turnsLeft === 0) {
      this.#round++
      this.#turnsLeft = this.#late.length
    }
    const channel = this.#late.shift()
    if (channel === undefined) return undefined
    this.#turnsLeft--
    this.#grant(channel, QUANTUM_BYTES)
    return channel
  }

  /** What a channel may send in this round. */
  #grant(channel: Channel, bytes: number): void {
    channel.round = this.#round
    channel.deficitBytes = Math.min(0, channel.deficitBytes) + bytes
  }
}
