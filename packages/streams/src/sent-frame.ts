/** A frame header, an id, and the most data. */
const LARGE_BYTES = 10 + 16_384
/** Frames up to this get memory of their own size. */
const SMALL_BYTES = 4096
const MAX_SPARE_FRAMES = 128

/** Whose frame it is: knows how many of its frames are not acknowledged. */
interface FrameOwner {
  inFlight: number
}

/** A frame that was sent, or is to be sent again: kept until the peer acknowledges it. */
export class SentFrame {
  readonly buffer: Buffer
  /** Of the whole frame. */
  bytes = 0
  /** Of its data, for turns and accounts; 0 in frames without. */
  dataBytes = 0
  /** Whether a lane took it with it: it counts as kept already. */
  isLost = false
  /** Whose frame it is; undefined for RESUME. */
  channel: FrameOwner | undefined

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  /** What goes to a lane. */
  get wire(): Buffer {
    return this.bytes === this.buffer.length ? this.buffer : this.buffer.subarray(0, this.bytes)
  }
}

const spare: SentFrame[] = []

/** A frame with room for so many bytes, header included; its content is what it was. */
export function takeFrame(bytes: number): SentFrame {
  if (bytes <= SMALL_BYTES) return new SentFrame(Buffer.allocUnsafe(bytes))
  return spare.pop() ?? new SentFrame(Buffer.allocUnsafeSlow(LARGE_BYTES))
}

/** The same frame in memory of its own. */
export function copyFrame({ wire }: SentFrame): SentFrame {
  const copy = new SentFrame(Buffer.from(wire))
  copy.bytes = wire.length
  return copy
}

/** The peer has it: the memory is used again. */
export function giveBackFrame(frame: SentFrame): void {
  frame.channel = undefined
  frame.isLost = false
  if (frame.buffer.length === LARGE_BYTES && spare.length < MAX_SPARE_FRAMES) spare.push(frame)
}
