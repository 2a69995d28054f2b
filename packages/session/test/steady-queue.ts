import type { TunQueue } from '@reversed-vpn/node-tun'
import { MAX_TUN_FRAME_BYTES } from '@reversed-vpn/node-tun/testing'

/**
 * A queue that has the same packet as often as it is told whenever it is asked, forgets what is written, and
 * allocates nothing.
 */
export class SteadyQueue implements TunQueue {
  /** How many packets the next reads bring. */
  packetsPerRead = 0
  /** Frames written so far. */
  writtenFrames = 0
  readonly #frame: Uint8Array
  #onReadable: (() => void) | undefined

  constructor(frame: Uint8Array) {
    this.#frame = frame
  }

  /** Tells its reader that packets wait; false when nobody wants to know. */
  wake(): boolean {
    this.#onReadable?.()
    return this.#onReadable !== undefined
  }

  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number {
    let used = 0
    for (let count = 0; count < this.packetsPerRead; count++) {
      if (target.length - used < headroomBytes + MAX_TUN_FRAME_BYTES) {
        throw new Error(`${this.packetsPerRead} packets do not fit into a batch of ${target.length} B`)
      }
      target.set(this.#frame, used + headroomBytes)
      lengths[count] = this.#frame.length
      used += headroomBytes + this.#frame.length
    }
    return this.packetsPerRead
  }

  writeBatch(_: readonly Uint8Array[], __: Uint32Array, frameCount: number, errnos: Int32Array): number {
    for (let frame = 0; frame < frameCount; frame++) errnos[frame] = 0
    this.writtenFrames += frameCount
    return 0
  }

  startPolling(onReadable: () => void): void {
    this.#onReadable = onReadable
  }

  stopPolling(): void {
    this.#onReadable = undefined
  }

  detach(): void {}

  attach(): void {}

  close(): void {}
}
