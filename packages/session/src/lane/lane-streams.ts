import { type FrameView, TunnelError } from '@reversed-vpn/protocol'
import type { LaneLink, StreamLane } from '@reversed-vpn/streams'
import type { FrameStream } from '../frame-stream.js'
import { type LaneCounters, recordsOf } from './lane-counters.js'
import type { JoinStreams } from './lane-options.js'
import type { WriteObserver } from './lane-sender.js'

interface LaneStreamsOptions {
  readonly frames: FrameStream
  readonly counters: LaneCounters['toPeer']
  readonly writes: WriteObserver
  readonly rttMs: () => number | undefined
  /** Frames were written to the stream. */
  readonly onSent: () => void
}

/**
 * What a lane does for byte streams. A lane that has joined no multiplexer skips their frames.
 *
 * Nothing is written before the peer has answered, as it may not listen yet: one batch of the multiplexer waits here meanwhile,
 * and no more. While the connection is full, nothing more is taken, and its drain lets in one batch of the multiplexer and one of
 * the queue.
 */
export class LaneStreams implements StreamLane {
  readonly #options: LaneStreamsOptions
  #link: LaneLink | undefined
  #hasPeerAnswered = false
  /** What waits for that. */
  #held: readonly Uint8Array[] | undefined
  #isStopped = false

  constructor(options: LaneStreamsOptions) {
    this.#options = options
  }

  /** Whether it has joined a multiplexer. */
  get isJoined(): boolean {
    return this.#link !== undefined
  }

  get rttMs(): number | undefined {
    return this.#options.rttMs()
  }

  /** Gives the lane to a multiplexer. @returns with what the lane must end, if it cannot be used */
  join(joinStreams: JoinStreams | undefined): Error | undefined {
    const { frames } = this.#options
    if (joinStreams === undefined) return undefined
    try {
      this.#link = joinStreams(this)
    } catch (error) {
      return error as Error
    }
    frames.stream.on('drain', this.#onDrain)
    if (!frames.hasSkippedStreamFrames) return undefined
    // Their count is lost, so nothing could be resumed.
    const text = 'a frame of a stream before the lane was up'
    return new TunnelError('ERR_FRAME_UNEXPECTED', text, { closeCode: 'unexpected-frame' })
  }

  /** @throws TunnelError for what ends the lane */
  receive(view: FrameView): void {
    if (this.#link === undefined) return
    this.onPeerAnswers()
    this.#link.receive(view)
  }

  onChunkEnd(): void {
    this.#link?.onChunkEnd()
  }

  /** The peer takes frames: it has answered, or sent some itself. Idempotent. */
  onPeerAnswers(): void {
    if (this.#hasPeerAnswered) return
    this.#hasPeerAnswered = true
    const held = this.#held
    this.#held = undefined
    if (held !== undefined && this.write(held)) this.#link?.onDrain()
  }

  /** The lane is about to end: nothing is written any more. What comes is still taken. */
  stopSending(): void {
    this.#isStopped = true
    this.#options.frames.stream.off('drain', this.#onDrain)
  }

  /** The lane is gone. */
  onDown(): void {
    this.stopSending()
    this.#link?.onDown()
  }

  write(frames: readonly Uint8Array[]): boolean {
    const { stream } = this.#options.frames
    if (this.#isStopped || !stream.writable) return false
    if (!this.#hasPeerAnswered) {
      this.#held = frames
      return false
    }
    let bytes = 0
    stream.cork()
    for (const frame of frames) {
      bytes += frame.length
      stream.write(frame)
    }
    stream.uncork()
    const { counters, writes, onSent } = this.#options
    counters.records += recordsOf(bytes)
    writes.onSent(bytes, performance.now())
    onSent()
    return !stream.writableNeedDrain
  }

  fail(error: Error): void {
    this.#options.frames.fail(error)
  }

  readonly #onDrain = (): void => {
    this.#link?.onDrain()
  }
}
