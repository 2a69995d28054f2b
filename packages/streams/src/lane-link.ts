import { FRAME_TYPE, type FrameView, TunnelError, writeReceived } from '@reversed-vpn/protocol'
import type { Channel } from './channel.js'
import { Fifo } from './fifo.js'
import { LaneWindow } from './lane-window.js'
import { ACK_BYTES, ACK_DELAY_MS, ACK_FRAMES, BATCH_BYTES, MAX_KEPT_FRAMES } from './limits.js'
import { copyFrame, giveBackFrame, type SentFrame } from './sent-frame.js'
import { StreamScheduler } from './stream-scheduler.js'

const RECEIVED_BYTES = 10

/** What a lane does for streams. */
export interface StreamLane {
  /** Sends whole frames, which are left alone until the peer has acknowledged them. @returns false until `LaneLink.onDrain` */
  write(frames: readonly Uint8Array[]): boolean
  /** The last measured round trip; undefined before the first. */
  readonly rttMs: number | undefined
  /** Ends the lane for that reason. `LaneLink.onDown` follows or was called. */
  fail(error: Error): void
}

/** What the multiplexer does for its lanes. */
export interface LinkHub {
  readonly nowMs: () => number
  readonly after: (ms: number, run: () => void) => () => void
  /** A counted frame came. @throws TunnelError for what ends the lane */
  onFrame(link: LaneLink, view: FrameView): void
  onLinkDown(link: LaneLink): void
  /** A frame that belongs to no stream and goes before all others. */
  nextCommonFrame(): SentFrame | undefined
  /** So many bytes are kept more, or fewer. */
  countKept(bytes: number): void
}

/** One lane's share of a multiplexer: counts frames both ways, keeps what is not acknowledged, and acknowledges. */
export class LaneLink {
  readonly number: number
  readonly scheduler = new StreamScheduler()
  /** Channels that have to wait for RESUME, since the peer may have got some of what they sent. */
  readonly stalled = new Set<Channel>()
  keptBytes = 0

  readonly #lane: StreamLane
  readonly #hub: LinkHub
  readonly #kept = new Fifo<SentFrame>()
  readonly #window = new LaneWindow()
  #sentFrames = 0
  #ackedFrames = 0
  #receivedFrames = 0
  #reportedFrames = 0
  #unreportedBytes = 0
  #cancelAck: (() => void) | undefined
  #isAckDue = false
  #isBlocked = false
  #isUp = true

  constructor(number: number, lane: StreamLane, hub: LinkHub) {
    this.number = number
    this.#lane = lane
    this.#hub = hub
  }

  get isUp(): boolean {
    return this.#isUp
  }

  get rttMs(): number | undefined {
    return this.#lane.rttMs
  }

  queue(channel: Channel): void {
    if (this.#isUp) this.scheduler.add(channel)
    else this.stalled.add(channel)
  }

  /** Counted frames that the peer has not acknowledged. */
  get keptFrames(): number {
    return this.#kept.length
  }

  /** Counted frames of the peer that were processed. */
  get receivedFrames(): number {
    return this.#receivedFrames
  }

  /** A frame of types OPEN to RESUME came. @throws TunnelError with a close code: the lane has to end with it */
  receive(view: FrameView): void {
    if (!this.#isUp) return
    // Counted first: whatever comes of it, it is not to come again.
    if (view.type !== FRAME_TYPE.RECEIVED) {
      this.#receivedFrames++
      this.#unreportedBytes += view.payloadBytes
    }
    this.#hub.onFrame(this, view)
  }

  /** All frames of a chunk were handed over: the moment to acknowledge. */
  onChunkEnd(): void {
    const frames = this.#receivedFrames - this.#reportedFrames
    if (!this.#isUp || frames === 0) return
    if (frames >= ACK_FRAMES || this.#unreportedBytes >= ACK_BYTES) this.#acknowledge()
    else this.#cancelAck ??= this.#hub.after(ACK_DELAY_MS, () => this.#acknowledge())
  }

  /** The lane takes more. */
  onDrain(): void {
    this.#isBlocked = false
    if (this.#isAckDue) this.#acknowledge()
    this.flush()
  }

  /** The lane is gone. Idempotent. */
  onDown(): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.#cancelAck?.()
    this.#hub.onLinkDown(this)
  }

  /** Cuts the lane: the peer has lost it. */
  cut(error: Error): void {
    this.onDown()
    this.#lane.fail(error)
  }

  /** Sends what there is, as long as the lane takes it. */
  flush(): void {
    while (this.#isUp && !this.#isBlocked && !this.#isFull) {
      const batch = this.#nextBatch()
      if (batch.length === 0) return
      this.#window.sent(this.#sentFrames, this.#hub.nowMs())
      if (!this.#lane.write(batch)) this.#isBlocked = true
    }
  }

  /** The peer has processed so many frames. @throws TunnelError if that cannot be */
  acknowledged(frames: number): void {
    if (frames < this.#ackedFrames || frames > this.#sentFrames) {
      throw new TunnelError(
        'ERR_STREAM_FRAME_INVALID',
        `${frames} frames acknowledged, of ${this.#sentFrames} sent and ${this.#ackedFrames} acknowledged before`,
        { closeCode: 'protocol-error' },
      )
    }
    const before = this.keptBytes
    for (; this.#ackedFrames < frames; this.#ackedFrames++) {
      const frame = this.#kept.shift() as SentFrame
      this.keptBytes -= frame.bytes
      if (frame.channel !== undefined) frame.channel.inFlight--
      giveBackFrame(frame)
    }
    const isLimited = before >= this.#window.limitBytes
    this.#window.acknowledged(frames, before - this.keptBytes, this.#hub.nowMs(), isLimited)
    this.#hub.countKept(this.keptBytes - before)
    this.flush()
  }

  /** Copies of each RESUME that may be lost with this lane. */
  copyCommonFrames(): SentFrame[] {
    return this.#kept
      .peekAll()
      .filter(({ channel }) => channel === undefined)
      .map(copyFrame)
  }

  /** What the peer did not get of streams, in order. It still counts as kept. */
  takeLost(): SentFrame[] {
    const lost: SentFrame[] = []
    for (const frame of this.#kept.drain()) {
      frame.isLost = true
      if (frame.channel === undefined) this.#hub.countKept(-frame.bytes)
      else {
        frame.channel.inFlight--
        lost.push(frame)
      }
    }
    this.keptBytes = 0
    this.#ackedFrames = this.#sentFrames
    return lost
  }

  /** Whether nothing more may be on its way. */
  get #isFull(): boolean {
    return this.#kept.length >= MAX_KEPT_FRAMES || this.keptBytes >= this.#window.limitBytes
  }

  #nextBatch(): Uint8Array[] {
    const batch: Uint8Array[] = []
    for (let bytes = 0; bytes < BATCH_BYTES && !this.#isFull; ) {
      const frame = this.#hub.nextCommonFrame() ?? this.scheduler.next()
      if (frame === undefined) break
      batch.push(frame.wire)
      bytes += frame.bytes
      this.#keep(frame)
    }
    return batch
  }

  #keep(frame: SentFrame): void {
    this.#sentFrames++
    this.#kept.push(frame)
    this.keptBytes += frame.bytes
    if (!frame.isLost) this.#hub.countKept(frame.bytes)
    frame.isLost = false
    if (frame.channel !== undefined) frame.channel.inFlight++
  }

  #acknowledge(): void {
    this.#cancelAck?.()
    this.#cancelAck = undefined
    this.#isAckDue = this.#isBlocked
    if (!this.#isUp || this.#isBlocked) return
    this.#reportedFrames = this.#receivedFrames
    this.#unreportedBytes = 0
    // The lane may hold the bytes until it has sent them.
    const frame = Buffer.allocUnsafe(RECEIVED_BYTES)
    writeReceived(frame, 0, this.#receivedFrames)
    if (!this.#lane.write([frame])) this.#isBlocked = true
  }
}
