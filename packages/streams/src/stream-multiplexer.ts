import {
  FRAME_TYPE,
  type FrameView,
  MAX_STREAMS,
  type OpenRequest,
  type RefusedReason,
  type ResetReason,
  StreamFrameReader,
  TunnelError,
} from '@reversed-vpn/protocol'
import { Channel } from './channel.js'
import type { ChannelHub, ChannelWaiter } from './channel-hub.js'
import { IncomingStream } from './incoming-stream.js'
import type { LaneLink, LinkHub, StreamLane } from './lane-link.js'
import { LaneSet } from './lane-set.js'
import { MAX_KEPT_BYTES } from './limits.js'
import { NumberSpan } from './number-span.js'
import { OpeningStream } from './opening-stream.js'
import { ReceiveWindow, type WindowBudget } from './receive-window.js'
import { StreamCounters, type StreamSnapshot } from './stream-counters.js'
import { StreamError } from './stream-error.js'
import type { TunnelStream } from './tunnel-stream.js'

interface MultiplexerOptions {
  /** `opener` on the seed side, `acceptor` on the shoot side. */
  readonly role: 'opener' | 'acceptor'
  /** Shared by all multiplexers of a process. */
  readonly budget: WindowBudget
  /** Streams at a time, 1 to 16384. */
  readonly maxStreams: number
  /** Streams that wait to be accepted, at the acceptor. */
  readonly maxOpening: number
  /** How long it outlives its last lane, in ms. */
  readonly holdMs: number
  /** At the acceptor: takes each stream that is asked for. Must not throw. */
  readonly onOpen?: (incoming: IncomingStream) => void
  /** It has ended: all lanes were lost for `holdMs`, or `close` was called. */
  readonly onEnd?: () => void
  /** In ms, monotonic. */
  readonly nowMs: () => number
  /** Runs something later, once; the result cancels it. */
  readonly after: (ms: number, run: () => void) => () => void
}

/**
 * All streams between two processes (SPEC.md, section 13). Outlives its lanes: what one takes with it is sent again by another.
 *
 *     TunnelStream ── Channel ──┐                     ┌── LaneLink, StreamScheduler ──▶ lane
 *     TunnelStream ── Channel ──┼── StreamMultiplexer ┤
 *     TunnelStream ── Channel ──┘                     └── LaneLink, StreamScheduler ──▶ lane
 */
export class StreamMultiplexer implements ChannelHub<Channel>, LinkHub {
  readonly nowMs: () => number
  readonly after: MultiplexerOptions['after']
  readonly counters = new StreamCounters()
  readonly #options: MultiplexerOptions
  readonly #lanes: LaneSet
  readonly #reader = new StreamFrameReader()
  /** By id; those whose OPEN was not made are in `#unsent`. */
  readonly #channels = new Map<number, Channel>()
  readonly #unsent = new Set<Channel>()
  readonly #ids = new NumberSpan(MAX_STREAMS)
  readonly #waitingForRoom = new Set<Channel>()
  #lastId = 0
  #keptBytes = 0
  #cancelHold: (() => void) | undefined
  #hasEnded = false

  constructor(options: MultiplexerOptions) {
    this.#options = options
    this.nowMs = options.nowMs
    this.after = options.after
    this.#lanes = new LaneSet(options.role === 'opener')
    this.#hold()
  }

  /** Streams that have not ended. */
  get streams(): number {
    return this.#channels.size + this.#unsent.size
  }

  /** What has happened to its streams and what it holds, as of now. */
  snapshot(): StreamSnapshot {
    return this.counters.snapshot(this.#lanes.resentFrames, this.#keptBytes)
  }

  /** Lanes that are up. */
  get lanes(): number {
    return this.#lanes.upCount
  }

  /** What was written to streams and is in no frame yet. Asks each stream. */
  get waitingBytes(): number {
    return this.#all().reduce((sum, { data }) => sum + data.waitingBytes, 0)
  }

  /** The most that the peer may send on any stream before more is read. Asks each stream. */
  get largestWindowBytes(): number {
    return this.#all().reduce((most, { window }) => Math.max(most, window.windowBytes), 0)
  }

  /** Lanes that are gone and that the peer has not resumed yet. */
  get goneLanes(): number {
    return this.#lanes.goneCount
  }

  /**
   * Opens a stream, at the opener. It waits for a lane as long as the multiplexer lives.
   * @throws StreamError when the peer or a limit refuses it; the signal's reason when that aborts
   */
  open(request: OpenRequest, { signal }: { readonly signal: AbortSignal }): Promise<TunnelStream> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (this.#hasEnded) throw this.#refusal('shutting-down')
      if (this.streams >= this.#options.maxStreams) throw this.#refusal('too-many-connections')
      const opening = new OpeningStream(signal, resolve, reject)
      const channel = this.#createChannel(opening)
      opening.start(channel)
      this.#unsent.add(channel)
      channel.open(request)
    })
  }

  /**
   * Takes a lane, by the number that the seed side gave it.
   * @throws TunnelError, with a close code, if it cannot be used: the caller ends the lane
   */
  addLane(number: number, lane: StreamLane): LaneLink {
    if (this.#hasEnded) throw new TunnelError('ERR_PEER_CLOSED', 'the multiplexer has ended')
    const link = this.#lanes.add(number, lane, this)
    this.#cancelHold?.()
    this.#cancelHold = undefined
    return link
  }

  /** Ends all streams without waiting; lanes are failed. Idempotent. */
  close(reason: ResetReason): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#cancelHold?.()
    const error = StreamError.reset(reason, false)
    for (const channel of this.#all()) channel.cut(error)
    this.#lanes.clear(error)
    this.#waitingForRoom.clear()
    this.#keptBytes = 0
    this.#options.onEnd?.()
  }

  onFrame(link: LaneLink, view: FrameView): void {
    const reader = this.#reader
    reader.read(view)
    switch (view.type) {
      case FRAME_TYPE.RECEIVED:
        link.acknowledged(reader.value)
        return
      case FRAME_TYPE.RESUME:
        this.#lanes.resume(reader.id, reader.value)
        return
      case FRAME_TYPE.OPEN:
        this.#onOpen(reader.id, reader.value, reader.readOpen(view))
        return
      default:
        this.#onStreamFrame(view, reader)
    }
  }

  onLinkDown(link: LaneLink): void {
    if (this.#hasEnded) return
    this.#lanes.lose(link)
    this.#hold()
  }

  nextCommonFrame() {
    return this.#lanes.nextCommonFrame()
  }

  countKept(bytes: number): void {
    this.#keptBytes += bytes
    if (this.#waitingForRoom.size === 0 || this.#keptBytes > MAX_KEPT_BYTES / 2) return
    const waiting = [...this.#waitingForRoom]
    this.#waitingForRoom.clear()
    for (const channel of waiting) {
      channel.isWaitingForRoom = false
      this.#lanes.place(channel)
    }
  }

  mayKeepData(channel: Channel): boolean {
    if (this.#keptBytes < MAX_KEPT_BYTES) return true
    channel.isWaitingForRoom = true
    this.#waitingForRoom.add(channel)
    return false
  }

  nextId(channel: Channel): number {
    this.#unsent.delete(channel)
    this.#lastId++
    this.#channels.set(this.#lastId, channel)
    return this.#lastId
  }

  ready(channel: Channel): void {
    if (!this.#hasEnded) this.#lanes.place(channel)
  }

  ended(channel: Channel): void {
    this.#unsent.delete(channel)
    this.#waitingForRoom.delete(channel)
    if (channel.id > 0) this.#channels.delete(channel.id)
  }

  #all(): Channel[] {
    return [...this.#channels.values(), ...this.#unsent]
  }

  #refusal(reason: RefusedReason): StreamError {
    this.counters.refuse(reason)
    return StreamError.refused(reason, '', false)
  }

  #createChannel(waiter: ChannelWaiter): Channel {
    return new Channel(this, new ReceiveWindow(this.#options.budget, this.nowMs()), waiter)
  }

  #onOpen(id: number, windowBytes: number, request: OpenRequest): void {
    if (this.#options.role !== 'acceptor') throw invalid('OPEN from the side that accepts')
    const novelty = this.#ids.add(id)
    if (novelty !== 'new') throw invalid(`OPEN of stream ${id}, which is ${novelty}`)
    if (this.#channels.size >= this.#options.maxStreams + MAX_STREAMS)
      throw invalid(`OPEN with ${this.#channels.size} streams that are not ended or not answered`)
    const incoming = new IncomingStream(request)
    const channel = this.#createChannel(incoming)
    incoming.start(channel)
    channel.id = id
    const hasRoom =
      this.#channels.size < this.#options.maxStreams && this.counters.opening < this.#options.maxOpening
    channel.offered(windowBytes)
    this.#channels.set(id, channel)
    if (hasRoom) this.#options.onOpen?.(incoming)
    else incoming.refuse('too-many-connections', 'the other side of the tunnel has too many connections')
  }

  #onStreamFrame(view: FrameView, reader: StreamFrameReader): void {
    const { id, value } = reader
    const channel = this.#channels.get(id)
    const isAnswer = view.type === FRAME_TYPE.OPENED || view.type === FRAME_TYPE.REFUSED
    if (isAnswer && this.#options.role === 'acceptor') throw invalid('an answer from the side that opens')
    if (channel === undefined || channel.phase === 'answering') {
      const wasOpened = this.#options.role === 'opener' ? id <= this.#lastId : this.#ids.has(id)
      const mayCross = view.type === FRAME_TYPE.CREDIT || view.type === FRAME_TYPE.RESET
      if (wasOpened && mayCross) return
      throw invalid(
        `frame of type ${view.type} for stream ${id}, which ${wasOpened ? 'has ended' : 'is not open'}`,
      )
    }
    switch (view.type) {
      case FRAME_TYPE.STREAM_DATA:
        channel.receiveData(view, view.payloadBytes - 6)
        return
      case FRAME_TYPE.CREDIT:
        channel.receiveCredit(value)
        return
      case FRAME_TYPE.FIN:
        channel.receiveFin()
        return
      case FRAME_TYPE.RESET:
        channel.receiveReset(reader.resetReason)
        return
      case FRAME_TYPE.OPENED:
        channel.receiveOpened(value, reader.readOpened(view))
        return
      default: {
        const { reason, detail } = reader.readRefused(view)
        channel.receiveRefused(StreamError.refused(reason, detail, true))
      }
    }
  }

  #hold(): void {
    if (this.#lanes.upCount > 0 || this.#hasEnded) return
    this.#cancelHold ??= this.after(this.#options.holdMs, () => this.close('lanes-lost'))
  }
}

function invalid(message: string): TunnelError {
  return new TunnelError('ERR_STREAM_FRAME_INVALID', message, { closeCode: 'protocol-error' })
}
