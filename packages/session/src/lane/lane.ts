import type { TunQueue } from '@reversed-vpn/node-tun'
import {
  type CloseCode,
  type ControlMessage,
  type FrameView,
  type GoawayReason,
  type PacketChecker,
  TunnelError,
} from '@reversed-vpn/protocol'
import type { FrameStream, FrameStreamHandler } from '../frame-stream.js'
import { ROTATE_AFTER_MS, ROTATE_AFTER_RECORDS } from '../limits.js'
import { FlowSteering, type SteeredLane } from './flow-steering.js'
import { FlowTable } from './flow-table.js'
import { Keepalive } from './keepalive.js'
import { createLaneCounters, type LaneCounters } from './lane-counters.js'
import type { LaneHandler, RotationReason } from './lane-handler.js'
import { LaneReceiver } from './lane-receiver.js'
import { LaneSender, type PacketDiverter } from './lane-sender.js'

export interface LaneOptions {
  /** Which of the session's lanes this is, and with that which queue of the TUN it serves. */
  /** Which of the session's lanes this is, and with that which queue of the TUN it serves. */
  readonly index: number
  /** A connection whose handshake is done. The lane owns it from here on. */
  readonly frames: FrameStream
  /** The lane reads and writes it and never closes it. */
  readonly queue: TunQueue
  readonly toPeerChecker: PacketChecker
  readonly fromPeerChecker: PacketChecker
  /** Of all lanes of the session. @default its own */
  readonly flows?: FlowTable
  /** @default ROTATE_AFTER_RECORDS */
  readonly rotateAfterRecords?: number
  /** @default ROTATE_AFTER_MS */
  readonly rotateAfterMs?: number
  /** The congestion control that its connection is to have. @default the kernel's */
  readonly congestion?: string | undefined
  readonly keepaliveMs: number
  readonly deadAfterMs: number
  readonly handler: LaneHandler
}

/**
 * One TLS connection bound to one TUN queue.
 *
 *     TUN queue ──▶ LaneSender ──▶ FrameStream ──▶ peer
 *     TUN queue ◀── LaneReceiver ◀── FrameStream ◀── peer
 *
 * It takes packets from the peer as soon as it is open, and sends packets to the peer between {@link startSending} and {@link stopSending}.
 *
 * While the peer is silent nothing is sent: what went to one that turns out to be dead would be lost, what waits in the queue goes out
 * at once on the lane after this one.
 */
export class Lane implements FrameStreamHandler {
  readonly index: number
  readonly counters: LaneCounters
  readonly openedAtMs = Date.now()
  /** The last measured round trip, absent until the first PONG. */
  rttMs: number | undefined

  readonly #options: LaneOptions
  readonly #sender: LaneSender
  readonly #receiver: LaneReceiver
  readonly #steering: FlowSteering
  readonly #keepalive: Keepalive
  /** Settles when the lane is down or should be replaced, whichever end wants it: the moment to dial. */
  readonly leaving: Promise<void>
  #resolveLeaving: () => void = () => {}
  readonly #done: Promise<void>
  #resolveDone: () => void = () => {}
  #down = false
  #isSendingWanted = false
  #isPeerSilent = false
  #isRotationDue = false
  #isReplacementWanted = false
  #closing = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.index = options.index
    this.counters = createLaneCounters()
    const { frames, queue, flows = new FlowTable() } = options
    const steering = new FlowSteering(options.index, flows)
    this.#steering = steering
    this.#sender = new LaneSender({
      queue,
      stream: frames.stream,
      checker: options.toPeerChecker,
      counters: this.counters.toPeer,
      congestion: options.congestion,
      steering,
      onDeviceError: (error) => this.abort(error),
    })
    this.#receiver = new LaneReceiver({
      queue,
      checker: options.fromPeerChecker,
      counters: this.counters.fromPeer,
      steering,
    })
    this.#keepalive = new Keepalive({
      frames,
      keepaliveMs: options.keepaliveMs,
      deadAfterMs: options.deadAfterMs,
      onRoundTrip: (rttMs) => this.#onRoundTrip(rttMs),
      onTick: () => this.#checkRotation(),
      onSilent: () => this.#onSilent(),
      onDead: (silentMs) => this.#onDead(silentMs),
    })
    this.leaving = new Promise((resolve) => {
      this.#resolveLeaving = resolve
    })
    this.#done = new Promise((resolve) => {
      this.#resolveDone = resolve
    })
  }

  /** Begins to carry. Apart from the constructor, since messages may be waiting and are handed over at once. */
  open(): void {
    this.#keepalive.start()
    this.#options.frames.setHandler(this)
  }

  get isDown(): boolean {
    return this.#down
  }

  /** Whether either end wants it replaced. */
  get isReplacementWanted(): boolean {
    return this.#isReplacementWanted
  }

  /** When the last byte came from the peer, in milliseconds of `performance.now()`. */
  get lastByteAtMs(): number {
    return this.#options.frames.lastByteAtMs
  }

  /** Bytes of the stream that wait in this process. */
  get backlogBytes(): number {
    return this.#options.frames.stream.writableLength
  }

  /** Takes packets from the queue from now on. Idempotent. */
  startSending(): void {
    this.#isSendingWanted = true
    if (!this.#down && !this.#closing && !this.#isPeerSilent) this.#sender.start()
  }

  /** Leaves packets of the queue to others. What was taken is still sent. Idempotent. */
  stopSending(): void {
    this.#isSendingWanted = false
    this.#sender.stop()
  }

  /** Has flows led to these lanes, which carry now, as `FlowSteering` does. @default each packet goes to the queue of the lane it came by */
  steer(lanes: readonly SteeredLane[]): void {
    this.#steering.setLanes(lanes)
  }

  /** Lets `divert` take packets out of what this lane reads from its queue; undefined: none. */
  setDiverter(divert: PacketDiverter | undefined): void {
    this.#sender.divert = divert
  }

  /** Sends one packet, with its virtio-net header, that another lane has read. Copied; dropped when the lane is full. */
  sendPayload(payload: Uint8Array): void {
    if (!this.#down && !this.#closing) this.#sender.sendPayload(payload)
  }

  /** Has this lane replaced, whoever dials: both ends are told, and it carries on meanwhile. Idempotent. */
  askForReplacement(): void {
    if (this.#down || this.#closing || this.#isReplacementWanted) return
    this.#startRotation('rotate-age')
  }

  /** Asks the peer to replace this lane, or with `laneOnly` false to leave the session. */
  sendGoAway(reason: GoawayReason, laneOnly: boolean): void {
    const lane = laneOnly ? { lane: this.index } : {}
    this.#options.frames.sendControl({ type: 'GOAWAY', ...lane, reason })
  }

  /** Stops sending, tells the peer why, lets what was written leave, and ends. Settles when the connection is gone. Idempotent. */
  close(code: CloseCode, reason: string): Promise<void> {
    if (!this.#closing && !this.#down) {
      this.#closing = true
      this.stopSending()
      this.#options.frames.sendControl({ type: 'CLOSE', code, reason })
      this.#options.frames.end()
    }
    return this.#done
  }

  /** Cuts the connection at once; unsent packets are lost, as packets may be. Idempotent. */
  abort(error?: Error): void {
    this.#options.frames.abort(error)
  }

  onControl(message: ControlMessage): void {
    switch (message.type) {
      case 'PING':
        this.#options.frames.sendControl({ type: 'PONG', id: message.id })
        return
      case 'PONG':
        this.#keepalive.onPong(message.id)
        return
      case 'GOAWAY':
        if (message.lane !== undefined) this.#wantReplacement()
        this.#options.handler.onGoAway(this, message.reason, message.lane !== undefined)
        return
      case 'CLOSE':
        this.#onPeerClose(message.code, message.reason)
        return
      default:
        throw new TunnelError('ERR_FRAME_UNEXPECTED', `${message.type} on a lane that is up`, {
          closeCode: 'unexpected-frame',
        })
    }
  }

  onData(view: FrameView): void {
    if (!this.#down) this.#receiver.receive(view)
  }

  onChunkEnd(): void {
    this.counters.fromPeer.records++
    this.#receiver.flush()
    if (this.#isPeerSilent) this.#onHeardAgain()
  }

  onClose(error?: Error): void {
    if (this.#down) return
    this.#down = true
    this.#resolveLeaving()
    this.#keepalive.stop()
    this.#sender.stop()
    // How a connection that we end comes to its end is no news.
    this.#options.handler.onDown(this, this.#closing ? undefined : error)
    this.#resolveDone()
  }

  #onRoundTrip(rttMs: number): void {
    const isFirst = this.rttMs === undefined
    this.rttMs = rttMs
    if (isFirst) this.#options.handler.onReady(this)
  }

  #checkRotation(): void {
    if (this.#isRotationDue) return
    const { rotateAfterRecords = ROTATE_AFTER_RECORDS, rotateAfterMs = ROTATE_AFTER_MS } = this.#options
    const { toPeer, fromPeer } = this.counters
    const isByRecords = Math.max(toPeer.records, fromPeer.records) >= rotateAfterRecords
    if (!isByRecords && Date.now() - this.openedAtMs < rotateAfterMs) return
    this.#startRotation(isByRecords ? 'rotate-records' : 'rotate-age')
  }

  #startRotation(reason: RotationReason): void {
    this.#isRotationDue = true
    this.#wantReplacement()
    this.#options.handler.onRotationDue(this, reason)
  }

  #wantReplacement(): void {
    this.#isReplacementWanted = true
    this.#resolveLeaving()
  }

  #onSilent(): void {
    this.#isPeerSilent = true
    this.#sender.stop()
  }

  #onHeardAgain(): void {
    this.#isPeerSilent = false
    if (this.#isSendingWanted) this.startSending()
  }

  #onDead(silentMs: number): void {
    const { deadAfterMs } = this.#options
    const text = `no byte from the peer for ${Math.round(silentMs)} ms, limit ${deadAfterMs} ms`
    this.abort(new TunnelError('ERR_PEER_DEAD', text))
  }

  #onPeerClose(code: CloseCode, reason: string): void {
    const isOrderly = this.#closing || code === 'going-away' || code === 'replaced'
    const text = `peer closed the lane: ${code}, ${reason}`
    this.onClose(isOrderly ? undefined : new TunnelError('ERR_PEER_CLOSED', text))
    // The peer has said its last; what we still owe it may leave.
    this.#options.frames.end()
  }
}
