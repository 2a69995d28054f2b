/** The most pieces of a frame. A frame that came in more is copied into one. */
export const MAX_FRAME_PIECES = 64

/**
 * A whole frame, its payload still where the stream put it: in one or more pieces of the chunks that were pushed.
 *
 * The view is one object that is filled anew for every frame: it is valid only during `onFrame`. Its chunks belong to the caller
 * of `push`. A handler may keep and change them (a device writes them later) as long as that caller does not reuse them.
 */
export interface FrameView {
  readonly type: number
  readonly payloadBytes: number
  /** 0 for an empty payload, else 1 to `MAX_FRAME_PIECES`. */
  readonly pieceCount: number

  /** The chunk that piece `index` lies in. @throws RangeError unless 0 ≤ `index` < `pieceCount` */
  chunk(index: number): Uint8Array
  /** Where in its chunk piece `index` begins. @throws RangeError as `chunk` */
  offset(index: number): number
  /** The bytes of piece `index`. @throws RangeError as `chunk` */
  length(index: number): number

  /**
   * Makes the first `minBytes` of the payload contiguous (all of it, if it is shorter). Returns the first piece's chunk if that
   * has them, else `scratch` with a copy. They begin at `prefixOffset`; `prefixBytes`, which may be more, are contiguous.
   * @throws RangeError when `scratch` is needed and too short
   */
  prefix(minBytes: number, scratch: Uint8Array): Uint8Array
  /** Where the payload begins in what `prefix` last returned for this frame. */
  readonly prefixOffset: number
  /** How many contiguous bytes of payload lie there. */
  readonly prefixBytes: number

  /** A copy of the payload that the caller owns. */
  copyPayload(): Buffer
}

const NO_CHUNK = new Uint8Array(0)

/** The view as its decoder sees it: pieces are appended until the frame is whole, and released after `onFrame`. */
export class FramePieces implements FrameView {
  type = 0
  payloadBytes = 0
  pieceCount = 0
  prefixOffset = 0
  prefixBytes = 0
  readonly #chunks: Uint8Array[] = new Array<Uint8Array>(MAX_FRAME_PIECES).fill(NO_CHUNK)
  readonly #offsets = new Uint32Array(MAX_FRAME_PIECES)
  readonly #lengths = new Uint32Array(MAX_FRAME_PIECES)
  #joined = false

  begin(type: number, payloadBytes: number): void {
    this.type = type
    this.payloadBytes = payloadBytes
    this.prefixOffset = 0
    this.prefixBytes = 0
  }

  append(chunk: Uint8Array, offset: number, length: number): void {
    // Otherwise a peer that sends one byte at a time would make us hold a Buffer object with its memory for each.
    if (this.#joined || this.pieceCount === MAX_FRAME_PIECES) {
      this.#join(chunk, offset, length)
      return
    }
    const index = this.pieceCount++
    this.#chunks[index] = chunk
    this.#offsets[index] = offset
    this.#lengths[index] = length
  }

  /** Lets go of the chunks. Idempotent. */
  release(): void {
    for (let index = 0; index < this.pieceCount; index++) this.#chunks[index] = NO_CHUNK
    this.pieceCount = 0
    this.#joined = false
  }

  chunk(index: number): Uint8Array {
    this.#checkIndex(index)
    return this.#chunks[index] as Uint8Array
  }

  offset(index: number): number {
    this.#checkIndex(index)
    return this.#offsets[index] as number
  }

  length(index: number): number {
    this.#checkIndex(index)
    return this.#lengths[index] as number
  }

  prefix(minBytes: number, scratch: Uint8Array): Uint8Array {
    const wantedBytes = Math.min(minBytes, this.payloadBytes)
    if (this.pieceCount > 0 && (this.#lengths[0] as number) >= wantedBytes) {
      this.prefixOffset = this.#offsets[0] as number
      this.prefixBytes = this.#lengths[0] as number
      return this.#chunks[0] as Uint8Array
    }
    if (scratch.length < wantedBytes) {
      throw new RangeError(`scratch of ${scratch.length} B is shorter than the prefix of ${wantedBytes} B`)
    }
    this.#copyTo(scratch, wantedBytes)
    this.prefixOffset = 0
    this.prefixBytes = wantedBytes
    return scratch
  }

  copyPayload(): Buffer {
    const payload = Buffer.allocUnsafe(this.payloadBytes)
    this.#copyTo(payload, this.payloadBytes)
    return payload
  }

  #checkIndex(index: number): void {
    if (!(index >= 0 && index < this.pieceCount)) {
      throw new RangeError(`piece ${index} of a frame with ${this.pieceCount}`)
    }
  }

  #copyTo(target: Uint8Array, wantedBytes: number): void {
    let copiedBytes = 0
    for (let index = 0; copiedBytes < wantedBytes; index++) {
      const chunk = this.#chunks[index] as Uint8Array
      const from = this.#offsets[index] as number
      const length = Math.min(this.#lengths[index] as number, wantedBytes - copiedBytes)
      // Byte by byte if short: for the few bytes of a packet's headers a subarray costs more.
      if (length <= 256) {
        for (let at = 0; at < length; at++) target[copiedBytes + at] = chunk[from + at] as number
      } else {
        target.set(chunk.subarray(from, from + length), copiedBytes)
      }
      copiedBytes += length
    }
  }

  #join(chunk: Uint8Array, offset: number, length: number): void {
    if (!this.#joined) {
      let heldBytes = 0
      for (let index = 0; index < this.pieceCount; index++) heldBytes += this.#lengths[index] as number
      // A new buffer for each frame, since the handler may keep its chunks.
      const whole = Buffer.allocUnsafeSlow(this.payloadBytes)
      this.#copyTo(whole, heldBytes)
      this.release()
      this.append(whole, 0, heldBytes)
      this.#joined = true
    }
    const heldBytes = this.#lengths[0] as number
    this.chunk(0).set(chunk.subarray(offset, offset + length), heldBytes)
    this.#lengths[0] = heldBytes + length
  }
}
