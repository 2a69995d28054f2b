import {
  type FrameView,
  MAX_STREAM_DATA_BYTES,
  MAX_STREAM_WINDOW_BYTES,
  type OpenRequest,
  type RefusedReason,
  type ResetReason,
} from '@reversed-vpn/protocol'
import { Fifo } from './fifo.js'
import type { ReceiveWindow } from './receive-window.js'
import type { SentFrame } from './sent-frame.js'
import { StreamError } from './stream-error.js'

/** The first frame that one side sends of a stream. */
export type Head =
  | { readonly name: 'OPEN'; readonly request: OpenRequest }
  | { readonly name: 'OPENED'; readonly address: string }
  | { readonly name: 'REFUSED'; readonly reason: RefusedReason; readonly detail: string }

/** The lane that a channel goes by. */
interface Carrier {
  readonly isUp: boolean
  readonly rttMs: number | undefined
  /** Lets a channel send; once the lane is gone, keeps it until the peer has said how far it got. */
  queue(channel: Channel): void
}

/** What the multiplexer does for its channels. */
export interface ChannelHub {
  readonly nowMs: () => number
  /** Whether data may be kept, or what is kept has to be acknowledged first; then the channel is called ready later. */
  mayKeepData(channel: Channel): boolean
  /** The id that an OPEN gets as it is made. */
  nextId(channel: Channel): number
  /** The channel has something to send. */
  ready(channel: Channel): void
  /** Nothing more comes or goes on it, but for frames that were lost. */
  ended(channel: Channel): void
}

/** Whom a channel serves. Nothing is called after `onReset` or `onRefused`. */
export interface ChannelUser {
  /** The peer has dialled. Only on the opener's side. */
  onOpened(address: string): void
  onRefused(error: StreamError): void
  /** `view` is valid until the call returns. */
  onData(view: FrameView): void
  onEnd(): void
  onReset(error: StreamError): void
}

//   opening ──OPENED──▶ open ──FIN both ways────────────────────────▶ ended
//      │                  ├── RESET of ours ──▶ resetting ──answer──▶ ▲
//      │                  └── RESET of the peer ──▶ answering ──sent──▶ ▲
//      └── REFUSED, or RESET as above ────────────────────────────────▶ ▲
type Phase = 'opening' | 'open' | 'resetting' | 'answering' | 'ended'

/** One stream as the wire has it, on one side: what may come, and what is to be sent. Buffers nothing that was received. */
export class Channel {
  /** 0 until its OPEN is made. */
  id = 0
  /** Which lane its frames go by, while any of them is not acknowledged. */
  link: Carrier | undefined
  /** Frames on that lane that are not acknowledged. */
  inFlight = 0
  /** Whether a scheduler, or whoever waits for a lane, has it. */
  isQueued = false
  /** Whether its data has to wait until less is kept. */
  isWaitingForRoom = false
  /** What it has sent lately, for `StreamScheduler`. */
  accountBytes = 0
  accountAtMs = 0
  isBulk = false
  deficitBytes = 0
  /** Frames that a lost lane took with it, to be sent before any other. */
  readonly resend = new Fifo<SentFrame>()
  readonly window: ReceiveWindow
  readonly user: ChannelUser
  readonly hub: ChannelHub

  // What is to be sent: read by `buildNextFrame`.
  head: Head | undefined
  resetDue: ResetReason | undefined
  creditBytes = 0
  waitingBytes = 0

  #phase: Phase = 'opening'
  #hasSentFin = false
  #hasReceivedFin = false
  #chunks: readonly Uint8Array[] = []
  #chunkIndex = 0
  #chunkOffset = 0
  #onTaken: (() => void) | undefined
  #onFinished: (() => void) | undefined

  constructor(hub: ChannelHub, window: ReceiveWindow, user: ChannelUser) {
    this.hub = hub
    this.window = window
    this.user = user
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Whether FIN is to be sent next. */
  get isFinDue(): boolean {
    return this.#onFinished !== undefined && !this.#hasSentFin && this.waitingBytes === 0
  }

  open(request: OpenRequest): void {
    this.head = { name: 'OPEN', request }
    this.hub.ready(this)
  }

  /** Takes the credit of an OPEN that came. */
  offered(windowBytes: number): void {
    this.creditBytes += windowBytes
  }

  accept(address: string): void {
    this.head = { name: 'OPENED', address }
    this.#phase = 'open'
    this.hub.ready(this)
  }

  refuse(reason: RefusedReason, detail: string): void {
    this.head = { name: 'REFUSED', reason, detail }
    this.#phase = 'answering'
    this.#drop()
    this.hub.ready(this)
  }

  /** Sends `chunks`, which are left alone until `onTaken`. One call at a time. */
  write(chunks: readonly Uint8Array[], onTaken: () => void): void {
    this.#chunks = chunks
    this.#chunkIndex = 0
    this.#chunkOffset = 0
    for (const chunk of chunks) this.waitingBytes += chunk.length
    this.#onTaken = onTaken
    if (this.waitingBytes === 0) this.#taken()
    else this.hub.ready(this)
  }

  /** Sends FIN behind all that was written. */
  finish(onFinished: () => void): void {
    this.#onFinished = onFinished
    this.hub.ready(this)
  }

  /** Data was handed to the reader: the peer may send more, in time. */
  consumed(bytes: number): void {
    this.window.consume(bytes, this.hub.nowMs(), this.link?.rttMs)
    if (this.window.dueBytes > 0 && this.#phase === 'open') this.hub.ready(this)
  }

  /** Gives up: the peer gets RESET. Nobody here is told. Idempotent, and nothing once it has ended. */
  reset(reason: ResetReason): void {
    this.#drop()
    if (this.#phase !== 'opening' && this.#phase !== 'open') return
    this.#phase = 'resetting'
    // The peer never hears of an OPEN that was not made.
    if (this.head?.name === 'OPEN') this.#end()
    else {
      this.head = undefined
      this.resetDue = reason
      this.hub.ready(this)
    }
  }

  /** Ends it here without a word to the peer, who is not there. */
  cut(error: StreamError): void {
    const isLive = this.#phase === 'opening' || this.#phase === 'open'
    this.head = undefined
    this.resetDue = undefined
    this.#drop()
    if (this.#phase !== 'ended') this.#end()
    if (isLive) this.user.onReset(error)
  }

  get hasWork(): boolean {
    if (this.resend.length > 0 || this.head !== undefined || this.resetDue !== undefined) return true
    if (this.#phase !== 'open') return false
    return this.isCreditDue || (this.waitingBytes > 0 && this.creditBytes > 0) || this.isFinDue
  }

  /** Whether it has nothing to send but data. */
  get hasOnlyData(): boolean {
    return (
      this.waitingBytes > 0 && this.resetDue === undefined && this.head === undefined && !this.isCreditDue
    )
  }

  get isCreditDue(): boolean {
    return this.#phase === 'open' && !this.#hasReceivedFin && this.window.dueBytes > 0
  }

  /** How much data a frame may have now. */
  sendable(maxDataBytes: number): number {
    if (this.#phase !== 'open') return 0
    return Math.min(this.waitingBytes, this.creditBytes, maxDataBytes, MAX_STREAM_DATA_BYTES)
  }

  /** Moves so much of what was written to `target`. */
  takeData(target: Buffer, offset: number, bytes: number): void {
    let at = offset
    const end = offset + bytes
    while (at < end) {
      const chunk = this.#chunks[this.#chunkIndex] as Uint8Array
      const part = Math.min(end - at, chunk.length - this.#chunkOffset)
      target.set(
        part === chunk.length ? chunk : chunk.subarray(this.#chunkOffset, this.#chunkOffset + part),
        at,
      )
      at += part
      this.#chunkOffset += part
      if (this.#chunkOffset < chunk.length) continue
      this.#chunkIndex++
      this.#chunkOffset = 0
    }
    this.creditBytes -= bytes
    this.waitingBytes -= bytes
    if (this.waitingBytes === 0) this.#taken()
  }

  /** REFUSED or the answer to a RESET was made: the last of this channel. */
  sentLast(): void {
    this.#end()
  }

  sentFin(): void {
    this.#hasSentFin = true
    const onFinished = this.#onFinished
    this.#onFinished = undefined
    if (this.#hasReceivedFin) this.#end()
    onFinished?.()
  }

  receiveOpened(windowBytes: number, address: string): void {
    if (this.#phase === 'open') this.#breach('stream-protocol')
    if (this.#phase !== 'opening') return
    this.#phase = 'open'
    this.creditBytes += windowBytes
    this.user.onOpened(address)
  }

  receiveRefused(error: StreamError): void {
    if (this.#phase === 'open') this.#breach('stream-protocol')
    else {
      const isAwaited = this.#phase === 'opening'
      this.#drop()
      this.#end()
      if (isAwaited) this.user.onRefused(error)
    }
  }

  receiveData(view: FrameView, bytes: number): void {
    if (this.#phase === 'resetting') return
    if (this.#phase === 'opening' || this.#hasReceivedFin) this.#breach('stream-protocol')
    else if (!this.window.receive(bytes)) this.#breach('flow-control')
    else this.user.onData(view)
  }

  receiveCredit(bytes: number): void {
    if (this.#phase === 'resetting') return
    this.creditBytes += bytes
    if (this.creditBytes > MAX_STREAM_WINDOW_BYTES) this.#breach('flow-control')
    else if (this.waitingBytes > 0) this.hub.ready(this)
  }

  receiveFin(): void {
    if (this.#phase === 'resetting') {
      if (this.#hasSentFin) this.#end()
      return
    }
    if (this.#phase === 'opening' || this.#hasReceivedFin) {
      this.#breach('stream-protocol')
      return
    }
    this.#hasReceivedFin = true
    this.window.finish()
    if (this.#hasSentFin) this.#end()
    this.user.onEnd()
  }

  receiveReset(reason: ResetReason): void {
    if (this.#phase === 'resetting') {
      if (this.resetDue === undefined) this.#end()
      else this.#phase = 'answering'
      return
    }
    this.#phase = 'answering'
    this.head = undefined
    this.resetDue = reason
    this.#drop()
    this.hub.ready(this)
    this.user.onReset(StreamError.reset(reason, true))
  }

  /** The peer broke a rule of this stream. */
  #breach(reason: ResetReason): void {
    this.reset(reason)
    this.user.onReset(StreamError.reset(reason, false))
  }

  #end(): void {
    this.#phase = 'ended'
    this.resetDue = undefined
    this.head = undefined
    this.hub.ended(this)
  }

  /** Lets go of what was to be sent and of the window. */
  #drop(): void {
    this.window.release()
    this.waitingBytes = 0
    this.#chunks = []
    this.#onTaken = undefined
    this.#onFinished = undefined
  }

  #taken(): void {
    const onTaken = this.#onTaken
    this.#onTaken = undefined
    this.#chunks = []
    onTaken?.()
  }
}
