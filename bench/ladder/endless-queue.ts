import type { TunQueue } from '@reversed-vpn/node-tun'
import { MAX_TUN_FRAME_BYTES } from '@reversed-vpn/node-tun/testing'

/**
 * A queue that always returns the same packet and discards what is written, so that only the lane's own work is left. Reading
 * copies, as the kernel does.
 */
export class EndlessQueue implements TunQueue {
  /** Frames written so far. */
  writtenFrames = 0
  readonly #frame: Uint8Array
  readonly #isSource: boolean
  #turn: NodeJS.Immediate | undefined

  /** @param isSource whether it has packets to read */
  constructor(frame: Uint8Array, isSource: boolean) {
    this.#frame = frame
    this.#isSource = isSource
  }

  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number {
    let count = 0
    let used = 0
    while (count < lengths.length && target.length - used >= headroomBytes + MAX_TUN_FRAME_BYTES) {
      target.set(this.#frame, used + headroomBytes)
      lengths[count++] = this.#frame.length
      used += headroomBytes + this.#frame.length
    }
    return count
  }

  writeBatch(
    _chunks: readonly Uint8Array[],
    _pieces: Uint32Array,
    frameCount: number,
    errnos: Int32Array,
  ): number {
    errnos.fill(0, 0, frameCount)
    this.writtenFrames += frameCount
    return 0
  }

  startPolling(onReadable: () => void): void {
    if (!this.#isSource || this.#turn !== undefined) return
    const turn = () => {
      this.#turn = setImmediate(turn)
      onReadable()
    }
    this.#turn = setImmediate(turn)
  }

  stopPolling(): void {
    clearImmediate(this.#turn)
    this.#turn = undefined
  }

  detach(): void {}

  attach(): void {}

  close(): void {
    this.stopPolling()
  }
}
