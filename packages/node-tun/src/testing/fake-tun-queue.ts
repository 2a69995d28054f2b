import { constants } from 'node:os'
import { createSyscallError, EBADFD } from '../syscall-error.js'
import { MAX_TUN_FRAME_BYTES, TUN_HEADER_BYTES, type TunQueue } from '../tun-device.js'

const { EINVAL, EMSGSIZE } = constants.errno

/** What a fake queue is made of. */
interface FakeTunQueueOptions {
  readonly name: string
  readonly limitPackets: number
  /** Takes a written frame; returns 0 or the errno of its refusal. */
  readonly receive: (frame: Uint8Array) => number
  readonly onClose: () => void
}

/** One queue of a fake TUN. */
export class FakeTunQueue implements TunQueue {
  readonly #options: FakeTunQueueOptions
  #waiting: Uint8Array[] = []
  #onReadable: (() => void) | undefined
  #wakeUp: NodeJS.Immediate | undefined
  #isAttached = true
  #isClosed = false
  #isGone = false

  constructor(options: FakeTunQueueOptions) {
    this.#options = options
  }

  get isAttached(): boolean {
    return this.#isAttached && !this.#isGone
  }

  /** Takes a frame from the host; false when the queue is full. */
  push(frame: Uint8Array): boolean {
    if (this.#waiting.length >= this.#options.limitPackets) return false
    this.#waiting.push(frame)
    this.#scheduleWakeUp()
    return true
  }

  vanish(): void {
    this.#isGone = true
    this.#waiting = []
    this.#scheduleWakeUp()
  }

  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number {
    checkRoom(target, headroomBytes, lengths)
    this.#checkOpen('read')
    if (this.#isGone) throw createSyscallError('EBADFD', 'read', this.#options.name)
    let count = 0
    let used = 0
    while (count < lengths.length && target.length - used >= headroomBytes + MAX_TUN_FRAME_BYTES) {
      const frame = this.#waiting.shift()
      if (frame === undefined) break
      target.set(frame, used + headroomBytes)
      lengths[count++] = frame.length
      used += headroomBytes + frame.length
    }
    return count
  }

  writeBatch(
    chunks: readonly Uint8Array[],
    pieces: Uint32Array,
    frameCount: number,
    errnos: Int32Array,
  ): number {
    this.#checkOpen('write')
    if (frameCount > errnos.length) throw new RangeError('errnos or pieces is too short')
    const frames = gatherFrames(chunks, pieces, frameCount)
    frames.forEach((frame, index) => {
      errnos[index] = this.#write(frame)
    })
    return errnos.subarray(0, frameCount).reduce((refused, errno) => refused + (errno === 0 ? 0 : 1), 0)
  }

  startPolling(onReadable: () => void): void {
    this.#checkOpen('uv_poll_start')
    this.#onReadable = onReadable
    this.#scheduleWakeUp()
  }

  stopPolling(): void {
    this.#onReadable = undefined
    clearImmediate(this.#wakeUp)
    this.#wakeUp = undefined
  }

  detach(): void {
    this.#setAttached(false)
    this.#waiting = []
  }

  attach(): void {
    this.#setAttached(true)
  }

  close(): void {
    this.stopPolling()
    this.#isClosed = true
    this.#waiting = []
    this.#options.onClose()
  }

  /** As on Linux: a state that is there already reaches no kernel. */
  #setAttached(isAttached: boolean): void {
    if (this.#isAttached === isAttached) return
    this.#checkOpen('ioctl(TUNSETQUEUE)')
    if (this.#isGone) throw createSyscallError('EINVAL', 'ioctl(TUNSETQUEUE)', this.#options.name)
    this.#isAttached = isAttached
  }

  #checkOpen(syscall: string): void {
    if (this.#isClosed) throw createSyscallError('EBADF', syscall, this.#options.name)
  }

  #write(frame: Uint8Array): number {
    if (this.#isGone) return EBADFD
    if (frame.length > MAX_TUN_FRAME_BYTES) return EMSGSIZE
    return frame.length <= TUN_HEADER_BYTES ? EINVAL : this.#options.receive(frame)
  }

  /** A callback per turn of the event loop, as long as frames wait. */
  #scheduleWakeUp(): void {
    if (this.#onReadable === undefined || this.#wakeUp !== undefined) return
    if (this.#waiting.length === 0 && !this.#isGone) return
    this.#wakeUp = setImmediate(() => {
      this.#wakeUp = undefined
      const onReadable = this.#onReadable
      if (this.#isGone) this.#onReadable = undefined
      try {
        onReadable?.()
      } finally {
        this.#scheduleWakeUp()
      }
    })
  }
}

function checkRoom(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): void {
  const isHeadroom = Number.isInteger(headroomBytes) && headroomBytes >= 0
  if (!isHeadroom || lengths.length === 0 || target.length < headroomBytes + MAX_TUN_FRAME_BYTES) {
    throw new RangeError('target or lengths has no room for one frame')
  }
}

/** Copies every frame out of its chunks, so that bad bounds are found before the first is written. */
function gatherFrames(chunks: readonly Uint8Array[], pieces: Uint32Array, frameCount: number): Uint8Array[] {
  let next = 0
  const takeWord = (): number => {
    const word = pieces[next++]
    if (word === undefined) throw new RangeError('errnos or pieces is too short')
    return word
  }
  return Array.from({ length: frameCount }, () => {
    const parts: Uint8Array[] = []
    for (let left = takeWord(); left > 0; left--) {
      parts.push(takePiece(chunks[takeWord()], takeWord(), takeWord()))
    }
    return new Uint8Array(Buffer.concat(parts))
  })
}

function takePiece(chunk: Uint8Array | undefined, offset: number, length: number): Uint8Array {
  if (chunk === undefined || offset + length > chunk.length)
    throw new RangeError('a piece lies outside its chunk')
  return chunk.subarray(offset, offset + length)
}
