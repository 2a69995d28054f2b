import type { OnReadOpts, Socket } from 'node:net'
import { isDropping } from './last-answer.js'

/** What is read of a socket first: enough for most heads and for a ClientHello, and little where it is one of many strangers. */
const FIRST_BYTES = 2048

/** What every stream may hold of one direction, whatever the others do; one TLS record. */
const SMALL_BYTES = 16_384
/** What a stream of bulk may hold while there is room for it. */
const LARGE_BYTES = 65_536
const EXTRA_BYTES = LARGE_BYTES - SMALL_BYTES
/** Chunks of a size that are kept for the next read. */
const MAX_SPARE_CHUNKS = 64

/** Everything is read into here and copied at once, so that a quiet stream has no buffer of its own. */
const landing = Buffer.allocUnsafeSlow(LARGE_BYTES)
const smallLanding = landing.subarray(0, SMALL_BYTES)
const firstLanding = landing.subarray(0, FIRST_BYTES)
const NOTHING = Buffer.alloc(0)

/**
 * How much all streams of a port may hold: bytes that were read from one side and that the other side has not taken. Each may
 * always hold a small chunk, so that no stream stands still for what others do. A stream of bulk is read in large ones as long as
 * there is room for them, and gives its own back when it becomes quiet or ends.
 */
export class ByteBudget {
  /** For what streams hold beyond their small chunks. */
  readonly #maxExtraBytes: number
  #extraBytes = 0
  #heldBytes = 0
  #paused = 0
  readonly #spare: Readonly<Record<number, Buffer[]>> = { [SMALL_BYTES]: [], [LARGE_BYTES]: [] }
  readonly #own = new WeakSet<ArrayBufferLike>()

  /** @param maxExtraBytes that all streams together may hold beyond a small chunk each */
  constructor(maxExtraBytes: number) {
    this.#maxExtraBytes = maxExtraBytes
  }

  /** Bytes that were read and are not taken. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Directions of streams that are not read because the other side has not taken what was read. */
  get paused(): number {
    return this.#paused
  }

  /** A stream has read a chunk. It goes back by {@link letGo}, and is not to be used any more then. */
  hold(chunk: Buffer): void {
    this.#heldBytes += chunk.length
  }

  letGo(chunk: Buffer): void {
    this.#heldBytes -= chunk.length
    if (!this.#own.has(chunk.buffer)) return
    const spare = this.#spare[chunk.buffer.byteLength]
    if (spare !== undefined && spare.length < MAX_SPARE_CHUNKS) spare.push(Buffer.from(chunk.buffer))
  }

  /** A direction of a stream is no longer read (1), or read again or over (-1). */
  countPaused(change: 1 | -1): void {
    this.#paused += change
  }

  /**
   * Options of a socket that is read in chunks of this budget. It tells of each by `data` as any socket does, but keeps none:
   * while it is paused, all stays in the kernel. It has to be paused as long as nobody listens.
   */
  reads(): OnReadOpts {
    const reads = new BudgetedReads({
      take: () => {
        const hasRoom = this.#extraBytes + EXTRA_BYTES <= this.#maxExtraBytes
        if (hasRoom) this.#extraBytes += EXTRA_BYTES
        return hasRoom
      },
      giveBack: () => {
        this.#extraBytes -= EXTRA_BYTES
      },
    })
    const copy = (bytes: number) => this.#copy(bytes)
    return {
      buffer: () => reads.nextBuffer(),
      callback(this: Socket, bytes: number) {
        reads.note(this, bytes)
        this.emit('data', isDropping(this) ? NOTHING : copy(bytes))
        return !this.isPaused()
      },
    } as OnReadOpts
  }

  #copy(bytes: number): Buffer {
    // Of Node's pool: it costs less than it holds up.
    if (bytes < SMALL_BYTES / 4) return Buffer.from(landing.subarray(0, bytes))
    const capacity = bytes <= SMALL_BYTES ? SMALL_BYTES : LARGE_BYTES
    let whole = this.#spare[capacity]?.pop()
    if (whole === undefined) {
      whole = Buffer.allocUnsafeSlow(capacity)
      this.#own.add(whole.buffer)
    }
    landing.copy(whole, 0, 0, bytes)
    return whole.subarray(0, bytes)
  }
}

/** How one socket is read: in small chunks, or in large ones while it has taken what those cost beyond. */
class BudgetedReads {
  readonly #extra: { readonly take: () => boolean; readonly giveBack: () => void }
  #isLarge = false
  #lastBytes = 0

  constructor(extra: { readonly take: () => boolean; readonly giveBack: () => void }) {
    this.#extra = extra
  }

  /** So many bytes were read. */
  note(socket: Socket, bytes: number): void {
    if (this.#lastBytes === 0) socket.once('close', () => this.#giveBack())
    this.#lastBytes = bytes
  }

  /** What the next read, at any time, is to fill. */
  nextBuffer(): Buffer {
    if (this.#lastBytes === 0) return firstLanding
    if (this.#lastBytes < SMALL_BYTES) this.#giveBack()
    else if (!this.#isLarge) this.#isLarge = this.#extra.take()
    return this.#isLarge ? landing : smallLanding
  }

  #giveBack(): void {
    if (this.#isLarge) this.#extra.giveBack()
    this.#isLarge = false
  }
}
