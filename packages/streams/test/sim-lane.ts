import { FrameDecoder } from '@reversed-vpn/protocol'
import type { LaneLink, StreamLane, StreamMultiplexer } from '@reversed-vpn/streams/testing'

/** What a lane takes before it says that it is full. */
const FULL_BYTES = 65_536

/** One end of a lane in memory. What it wrote waits in `outgoing` until the test delivers it. */
export class SimEnd implements StreamLane {
  readonly rttMs: number | undefined
  readonly outgoing: Buffer[] = []
  outgoingBytes = 0
  /** Why the multiplexer or a broken rule ended it. */
  failure: Error | undefined
  isDown = false
  link: LaneLink | undefined
  other: { receive(chunk: Uint8Array): void } | undefined
  readonly #decoder: FrameDecoder
  #isFull = false

  constructor(rttMs: number | undefined) {
    this.rttMs = rttMs
    this.#decoder = new FrameDecoder({ onFrame: (view) => this.link?.receive(view) })
  }

  attach(multiplexer: StreamMultiplexer, number: number): void {
    this.link = multiplexer.addLane(number, this)
  }

  write(frames: readonly Uint8Array[]): boolean {
    if (this.isDown) return false
    for (const frame of frames) {
      this.outgoing.push(Buffer.from(frame))
      this.outgoingBytes += frame.length
    }
    this.#isFull = this.outgoingBytes >= FULL_BYTES
    return !this.#isFull
  }

  fail(error: Error): void {
    this.failure ??= error
    this.goDown()
  }

  /** This end has noticed. What it wrote may still arrive. */
  goDown(): void {
    if (this.isDown) return
    this.isDown = true
    this.link?.onDown()
  }

  /** Gives the other end at most so many bytes, as one chunk. */
  deliver(maxBytes: number): void {
    const chunk = this.#take(maxBytes)
    if (chunk.length > 0) this.other?.receive(chunk)
    if (this.isDown || !this.#isFull || this.outgoingBytes >= FULL_BYTES / 2) return
    this.#isFull = false
    this.link?.onDrain()
  }

  receive(chunk: Uint8Array): void {
    if (this.isDown) return
    try {
      this.#decoder.push(chunk)
      this.link?.onChunkEnd()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  lose(): void {
    this.outgoing.length = 0
    this.outgoingBytes = 0
  }

  #take(maxBytes: number): Buffer {
    const all = Buffer.concat(this.outgoing)
    const chunk = Buffer.from(all.subarray(0, maxBytes))
    this.outgoing.length = 0
    if (all.length > maxBytes) this.outgoing.push(all.subarray(maxBytes))
    this.outgoingBytes = all.length - chunk.length
    return chunk
  }
}

/** Both ends of a lane, attached to nothing yet. */
export function simLane(rttMs: number | undefined = 10): { readonly near: SimEnd; readonly far: SimEnd } {
  const near = new SimEnd(rttMs)
  const far = new SimEnd(rttMs)
  near.other = far
  far.other = near
  return { near, far }
}
