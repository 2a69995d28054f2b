import {
  type FrameView,
  MAX_STREAM_DATA_BYTES,
  MAX_STREAM_WINDOW_BYTES,
  type OpenRequest,
  type RefusedReason,
  type ResetReason,
} from '@reversed-vpn/protocol'
import type { Carrier, ChannelHub, ChannelUser, ChannelWaiter, Head } from './channel-hub.js'
import { Fifo } from './fifo.js'
import { OutgoingData } from './outgoing-data.js'
import type { ReceiveWindow } from './receive-window.js'
import type { SentFrame } from './sent-frame.js'
import type { StreamEnd } from './stream-counters.js'
import { StreamError } from './stream-error.js'

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
  link: Carrier<Channel> | undefined
  /** Frames on that lane that are not acknowledged. */
  inFlight = 0
  /** Whether a scheduler, or whoever waits for a lane, has it. */
  isQueued = false
  /** Whether its data has to wait until less is kept. */
  isWaitingForRoom = false
  /** Data that it may still send in this round of its lane. */
  deficitBytes = 0
  round = 0
  /** Frames that a lost lane took with it, to be sent before any other. */
  readonly resend = new Fifo<SentFrame>()
  readonly window: ReceiveWindow
  /** From when it is opened, or accepted. */
  user: ChannelUser | undefined
  readonly hub: ChannelHub<Channel>

  // What is to be sent: read by `buildNextFrame`.
  head: Head | undefined
  resetDue: ResetReason | undefined
  creditBytes = 0
  readonly data = new OutgoingData()

  readonly #waiter: ChannelWaiter
  #phase: Phase = 'opening'
  #hasSentFin = false
  #hasReceivedFin = false
  #heldBytes = 0
  #onFinished: (() => void) | undefined

  constructor(hub: ChannelHub<Channel>, window: ReceiveWindow, waiter: ChannelWaiter) {
    this.hub = hub
    this.window = window
    this.#waiter = waiter
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Whether FIN is to be sent next. */
  get isFinDue(): boolean {
    return this.#onFinished !== undefined && !this.#hasSentFin && this.data.waitingBytes === 0
  }

  open(request: OpenRequest): void {
    this.hub.counters.opening++
    this.head = { name: 'OPEN', request }
    this.hub.ready(this)
  }

  /** Takes the credit of an OPEN that came. */
  offered(windowBytes: number): void {
    this.hub.counters.opening++
    this.creditBytes += windowBytes
  }

  accept(address: string): void {
    this.head = { name: 'OPENED', address }
    this.#begin()
    this.hub.ready(this)
  }

  refuse(reason: RefusedReason, detail: string): void {
    this.head = { name: 'REFUSED', reason, detail }
    this.hub.counters.opening--
    this.hub.counters.refuse(reason)
    this.#phase = 'answering'
    this.#drop()
    this.hub.ready(this)
  }

  /** Sends `chunks`, which are left alone until `onTaken`. One call at a time. */
  write(chunks: readonly Uint8Array[], onTaken: () => void): void {
    this.data.put(chunks, onTaken)
    if (this.data.waitingBytes > 0) this.hub.ready(this)
  }

  /** Sends FIN behind all that was written. */
  finish(onFinished: () => void): void {
    this.#onFinished = onFinished
    this.hub.ready(this)
  }

  /** Data was handed to the reader: the peer may send more, in time. */
  consumed(bytes: number): void {
    this.#letGo(bytes)
    this.window.consume(bytes, this.hub.nowMs(), this.link?.rttMs)
    if (this.window.dueBytes > 0 && this.#phase === 'open') this.hub.ready(this)
  }

  /** Gives up: the peer gets RESET. Nobody here is told. Idempotent, and nothing once it has ended. */
  reset(reason: ResetReason): void {
    this.#drop()
    if (this.#phase !== 'opening' && this.#phase !== 'open') return
    this.#leave(reason)
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
    if (isLive) this.#leave(error.reason as ResetReason)
    if (this.#phase !== 'ended') this.#end()
    if (isLive) this.#tellReset(error)
  }

  get hasWork(): boolean {
    if (this.resend.length > 0 || this.head !== undefined || this.resetDue !== undefined) return true
    if (this.#phase !== 'open') return false
    return this.isCreditDue || (this.data.waitingBytes > 0 && this.creditBytes > 0) || this.isFinDue
  }

  /** Whether it has nothing to send but data. */
  get hasOnlyData(): boolean {
    return (
      this.data.waitingBytes > 0 &&
      this.resetDue === undefined &&
      this.head === undefined &&
      !this.isCreditDue
    )
  }

  get isCreditDue(): boolean {
    return this.#phase === 'open' && !this.#hasReceivedFin && this.window.dueBytes > 0
  }

  /** How much data a frame may have now. */
  sendable(maxDataBytes: number): number {
    if (this.#phase !== 'open') return 0
    return Math.min(this.data.waitingBytes, this.creditBytes, maxDataBytes, MAX_STREAM_DATA_BYTES)
  }

  /** Moves so much of what was written to `target`. */
  takeData(target: Buffer, offset: number, bytes: number): void {
    this.creditBytes -= bytes
    this.hub.counters.sentBytes += bytes
    this.data.take(target, offset, bytes)
  }

  /** REFUSED or the answer to a RESET was made: the last of this channel. */
  sentLast(): void {
    this.#end()
  }

  sentFin(): void {
    this.#hasSentFin = true
    const onFinished = this.#onFinished
    this.#onFinished = undefined
    if (this.#hasReceivedFin) this.#finish()
    onFinished?.()
  }

  receiveOpened(windowBytes: number, address: string): void {
    if (this.#phase === 'open') this.#breach('stream-protocol')
    if (this.#phase !== 'opening') return
    this.#begin()
    this.creditBytes += windowBytes
    this.#waiter.onOpened(address)
  }

  receiveRefused(error: StreamError): void {
    if (this.#phase === 'open') this.#breach('stream-protocol')
    else {
      const isAwaited = this.#phase === 'opening'
      this.#drop()
      this.#end()
      if (!isAwaited) return
      this.hub.counters.opening--
      this.hub.counters.refuse(error.reason as RefusedReason)
      this.#waiter.onFailed(error)
    }
  }

  receiveData(view: FrameView, bytes: number): void {
    if (this.#phase === 'resetting') return
    if (this.#phase === 'opening' || this.#hasReceivedFin) this.#breach('stream-protocol')
    else if (!this.window.receive(bytes)) this.#breach('flow-control')
    else {
      this.#heldBytes += bytes
      this.hub.counters.heldBytes += bytes
      this.hub.counters.receivedBytes += bytes
      this.user?.receiveData(view)
    }
  }

  receiveCredit(bytes: number): void {
    if (this.#phase === 'resetting') return
    this.creditBytes += bytes
    if (this.creditBytes > MAX_STREAM_WINDOW_BYTES) this.#breach('flow-control')
    else if (this.data.waitingBytes > 0) this.hub.ready(this)
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
    if (this.#hasSentFin) this.#finish()
    this.user?.receiveEnd()
  }

  receiveReset(reason: ResetReason): void {
    if (this.#phase === 'resetting') {
      if (this.resetDue === undefined) this.#end()
      else this.#phase = 'answering'
      return
    }
    this.#leave(reason)
    this.#phase = 'answering'
    this.head = undefined
    this.resetDue = reason
    this.#drop()
    this.hub.ready(this)
    this.#tellReset(StreamError.reset(reason, true))
  }

  /** The peer broke a rule of this stream. */
  #breach(reason: ResetReason): void {
    this.reset(reason)
    this.#tellReset(StreamError.reset(reason, false))
  }

  /** The stream is opened. */
  #begin(): void {
    this.#phase = 'open'
    this.hub.counters.opening--
    this.hub.counters.opened++
  }

  /** Counts the end of what is opening or open. */
  #leave(how: StreamEnd): void {
    const { counters } = this.hub
    if (this.#phase === 'open') counters.end(how)
    else {
      counters.opening--
      counters.abandoned++
    }
  }

  /** FIN went both ways. */
  #finish(): void {
    this.#leave('finished')
    this.#end()
  }

  #tellReset(error: StreamError): void {
    if (this.user === undefined) this.#waiter.onFailed(error)
    else this.user.receiveReset(error)
  }

  #letGo(bytes: number): void {
    const held = Math.min(bytes, this.#heldBytes)
    this.#heldBytes -= held
    this.hub.counters.heldBytes -= held
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
    this.data.clear()
    this.#letGo(this.#heldBytes)
    this.#onFinished = undefined
  }
}
