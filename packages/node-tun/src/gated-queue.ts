import { constants } from 'node:os'
import { drainQueue } from './drain-queue.js'
import type { TunQueue } from './tun-device.js'

/** More than a queue holds; those that keep coming are judged by now. */
const DISCARD_LIMIT = 16_384

/**
 * A queue that can be shut: while it is, nothing is read from it and nothing written to it. The gate is looked at once a batch.
 */
export class GatedQueue implements TunQueue {
  readonly #queue: TunQueue
  #isOpen: boolean
  #onReadable: (() => void) | undefined

  constructor(queue: TunQueue, isOpen: boolean) {
    this.#queue = queue
    this.#isOpen = isOpen
  }

  /** What came while it was shut is thrown away: no firewall may have judged it. */
  setOpen(isOpen: boolean): void {
    if (isOpen === this.#isOpen) return
    this.#isOpen = isOpen
    if (!isOpen) {
      this.#queue.stopPolling()
      return
    }
    discard(this.#queue)
    if (this.#onReadable !== undefined) this.#queue.startPolling(this.#onReadable)
  }

  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number {
    return this.#isOpen ? this.#queue.readBatch(target, headroomBytes, lengths) : 0
  }

  /** While it is shut every frame is refused with EIO, as by an interface that is down. */
  writeBatch(
    chunks: readonly Uint8Array[],
    pieces: Uint32Array,
    frameCount: number,
    errnos: Int32Array,
  ): number {
    if (this.#isOpen) return this.#queue.writeBatch(chunks, pieces, frameCount, errnos)
    errnos.fill(constants.errno.EIO, 0, frameCount)
    return frameCount
  }

  startPolling(onReadable: () => void): void {
    this.#onReadable = onReadable
    if (this.#isOpen) this.#queue.startPolling(onReadable)
  }

  stopPolling(): void {
    this.#onReadable = undefined
    this.#queue.stopPolling()
  }

  detach(): void {
    this.#queue.detach()
  }

  attach(): void {
    this.#queue.attach()
  }

  close(): void {
    this.#onReadable = undefined
    this.#queue.close()
  }
}

/** An interface that is gone, or was closed, is for who reads next to find. */
function discard(queue: TunQueue): void {
  try {
    drainQueue(queue, DISCARD_LIMIT, () => {})
  } catch {}
}
