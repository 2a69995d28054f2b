import {
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_DATA_PAYLOAD_BYTES,
  MIN_DATA_PAYLOAD_BYTES,
} from './constants.js'
import { TunnelError } from './errors.js'
import { FramePieces, type FrameView } from './frame-view.js'
import { checkStreamPayloadBytes, isStreamFrame } from './stream/stream-frame-length.js'

interface FrameHandler {
  /** Called for every whole frame of a known type, in order. Must not push to the decoder that calls it. */
  onFrame(frame: FrameView): void
}

/**
 * Cuts a byte stream into frames, whatever its chunks. Payloads are not copied: chunks of an unfinished frame are kept until it
 * is whole, so the caller must not reuse them. Allocates nothing per frame, unless one comes in more than `MAX_FRAME_PIECES`
 * pieces.
 *
 *            header whole, length legal             payload whole
 *   header ──────────────────────────────▶ payload ───────────────▶ onFrame ──▶ header
 *     │ └──── unknown type ──────────────▶ skip ──────────────────────────────▶ header
 *     └── illegal length, or the handler threw ──▶ failed, for ever
 */
export class FrameDecoder {
  readonly #handler: FrameHandler
  readonly #frame = new FramePieces()
  #header = 0
  #headerBytes = 0
  #missingBytes = 0
  #isSkipping = false
  #skippedFrames = 0
  #hasFailed = false
  #failure: unknown

  constructor(handler: FrameHandler) {
    this.#handler = handler
  }

  /** Bytes of an unfinished frame that are held: below `MAX_DATA_PAYLOAD_BYTES`, and 0 for one that is skipped. */
  get bufferedBytes(): number {
    if (this.#isSkipping) return 0
    return this.#missingBytes > 0 ? this.#frame.payloadBytes - this.#missingBytes : this.#headerBytes
  }

  /** Frames of unknown types so far, counted when their header was read. */
  get skippedFrames(): number {
    return this.#skippedFrames
  }

  /**
   * Takes the next bytes of the stream and calls `onFrame` for each frame they complete.
   *
   * @throws TunnelError ERR_FRAME_TOO_LARGE, ERR_FRAME_TOO_SHORT, ERR_STREAM_FRAME_INVALID (each with a close code) as soon as a
   * header tells so
   * @throws what the handler threw. After either, every later call throws the same again.
   */
  push(chunk: Uint8Array): void {
    if (this.#hasFailed) throw this.#failure
    try {
      this.#consume(chunk)
    } catch (error) {
      this.#hasFailed = true
      this.#failure = error
      this.#frame.release()
      this.#missingBytes = 0
      throw error
    }
  }

  #consume(chunk: Uint8Array): void {
    const end = chunk.length
    let at = 0
    if (this.#missingBytes > 0) at = this.#takePayload(chunk, 0)
    while (at < end) {
      if (this.#headerBytes === 0 && end - at >= FRAME_HEADER_BYTES) {
        const type = chunk[at] as number
        const payloadBytes =
          ((chunk[at + 1] as number) << 16) | ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number)
        at += FRAME_HEADER_BYTES
        this.#begin(type, payloadBytes)
      } else {
        at = this.#takeSplitHeader(chunk, at)
        if (this.#headerBytes > 0) return
      }
      if (this.#missingBytes > 0) at = this.#takePayload(chunk, at)
    }
  }

  /** Takes what `chunk` has of a header that spans chunks; `#headerBytes` is 0 again when it is whole. */
  #takeSplitHeader(chunk: Uint8Array, start: number): number {
    let at = start
    while (at < chunk.length && this.#headerBytes < FRAME_HEADER_BYTES) {
      this.#header = (this.#header << 8) | (chunk[at++] as number)
      this.#headerBytes++
    }
    if (this.#headerBytes === FRAME_HEADER_BYTES) {
      this.#headerBytes = 0
      this.#begin(this.#header >>> 24, this.#header & 0xffffff)
    }
    return at
  }

  #begin(type: number, payloadBytes: number): void {
    const isOfStream = isStreamFrame(type)
    if (isOfStream) checkStreamPayloadBytes(type, payloadBytes)
    else checkPayloadBytes(type, payloadBytes)
    this.#missingBytes = payloadBytes
    if (type > FRAME_TYPE.CLOSE && !isOfStream) {
      this.#isSkipping = payloadBytes > 0
      this.#skippedFrames++
      return
    }
    this.#frame.begin(type, payloadBytes)
    if (payloadBytes === 0) this.#finish()
  }

  #takePayload(chunk: Uint8Array, start: number): number {
    const takenBytes = Math.min(this.#missingBytes, chunk.length - start)
    if (takenBytes === 0) return start
    this.#missingBytes -= takenBytes
    if (!this.#isSkipping) this.#frame.append(chunk, start, takenBytes)
    if (this.#missingBytes === 0) this.#finish()
    return start + takenBytes
  }

  #finish(): void {
    if (this.#isSkipping) {
      this.#isSkipping = false
      return
    }
    this.#handler.onFrame(this.#frame)
    this.#frame.release()
  }
}

function checkPayloadBytes(type: number, payloadBytes: number): void {
  const isControl = type > FRAME_TYPE.DATA && type <= FRAME_TYPE.CLOSE
  const maxBytes = isControl ? MAX_CONTROL_PAYLOAD_BYTES : MAX_DATA_PAYLOAD_BYTES
  if (payloadBytes > maxBytes) {
    throw new TunnelError(
      'ERR_FRAME_TOO_LARGE',
      `frame of type ${type} with ${payloadBytes} B exceeds ${maxBytes} B`,
      { closeCode: 'frame-too-large' },
    )
  }
  if (type === FRAME_TYPE.DATA && payloadBytes < MIN_DATA_PAYLOAD_BYTES) {
    throw new TunnelError(
      'ERR_FRAME_TOO_SHORT',
      `DATA frame of ${payloadBytes} B is below ${MIN_DATA_PAYLOAD_BYTES} B`,
      {
        closeCode: 'protocol-error',
      },
    )
  }
}
