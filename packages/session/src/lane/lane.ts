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
import { Keepalive } from './keepalive.js'
import { createLaneCounters, type LaneCounters } from './lane-counters.js'
import { LaneReceiver } from './lane-receiver.js'
import { LaneSender, type PacketDiverter } from './lane-sender.js'

export interface LaneOptions {
  /** Which of the session's lanes this is, and with that which queue of the TUN it serves. */
  readonly index: number
  /** A connection whose handshake is done. The lane owns it from here on. */
  readonly frames: FrameStream
  /** The lane reads and writes it and never closes it. */
  readonly queue: TunQueue
  readonly toPeerChecker: PacketChecker
  readonly fromPeerChecker: PacketChecker
  /** @default ROTATE_AFTER_RECORDS */
  readonly rotateAfterRecords?: number
  /** @default ROTATE_AFTER_MS */
  readonly rotateAfterMs?: number
  readonly keepaliveMs: number
  readonly deadAfterMs: number
  readonly handler: LaneHandler
}

/** What the owner of a lane is told. */
export interface LaneHandler {
  /** The first answer to a PING of ours: the peer is ready to carry packets. */
  onReady(lane: Lane): void
  /** The peer asks for this lane to be replaced (`laneOnly`), or for the whole session to be left. */
  onGoAway(lane: Lane, reason: GoawayReason, laneOnly: boolean): void
  /** The lane's key has protected enough, or is old enough: it should be replaced. Called once. */
  onRotationDue(lane: Lane, reason: 'rotate-records' | 'rotate-age'): void
  /** The lane is gone. Called once. `error` tells why; absent when it was closed in order. */
  onDown(lane: Lane, error?: Error): void
}

/**
 * One TLS connection bound to one TUN queue.
 *
 *     TUN queue ──▶ LaneSender ──▶ FrameStream ──▶ peer
 *     TUN queue ◀── LaneReceiver ◀── FrameStream ◀── peer
 *
 * It carries packets from the peer as soon as it exists, and packets to the peer between {@link startSending} and
 * {@link stopSending}.
 */
export class Lane implements FrameStreamHandler {
  readonly index: number
  readonly counters: LaneCounters = createLaneCounters()
  readonly openedAtMs = Date.now()
  /** The last measured round trip, absent until the first PONG. */
  rttMs: number | undefined

  readonly #options: LaneOptions
  readonly #sender: LaneSender
  readonly #receiver: LaneReceiver
  readonly #keepalive: Keepalive
  readonly #done: Promise<void>
  #resolveDone: () => void = () => {}
  #down = false
  #isRotationDue = false
  #closing = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.index = options.index
    const { frames, queue } = options
    this.#sender = new LaneSender({
      queue,
      stream: frames.stream,
      checker: options.toPeerChecker,
      counters: this.counters.toPeer,
      onDeviceError: (error) => this.abort(error),
    })
    this.#receiver = new LaneReceiver({
      queue,
      checker: options.fromPeerChecker,
      counters: this.counters.fromPeer,
    })
    this.#keepalive = new Keepalive({
      frames,
      keepaliveMs: options.keepaliveMs,
      deadAfterMs: options.deadAfterMs,
      onRoundTrip: (rttMs) => this.#onRoundTrip(rttMs),
      onTick: () => this.#checkRotation(),
      onDead: (silentMs) => this.#onDead(silentMs),
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

  /** Bytes of the stream that wait in this process. */
  get backlogBytes(): number {
    return this.#options.frames.stream.writableLength
  }

  /** Takes packets from the queue from now on. Idempotent. */
  startSending(): void {
    if (!this.#down && !this.#closing) this.#sender.start()
  }

  /** Leaves packets of the queue to others. What was taken is still sent. Idempotent. */
  stopSending(): void {
    this.#sender.stop()
  }

  /** Lets `divert` take packets out of what this lane reads from its queue; undefined: none. */
  setDiverter(divert: PacketDiverter | undefined): void {
    this.#sender.divert = divert
  }

  /** Sends one packet, with its virtio-net header, that another lane has read. Copied; dropped when the lane is full. */
  sendPayload(payload: Uint8Array): void {
    if (!this.#down && !this.#closing) this.#sender.sendPayload(payload)
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
  }

  onClose(error?: Error): void {
    if (this.#down) return
    this.#down = true
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
    this.#isRotationDue = true
    this.#options.handler.onRotationDue(this, isByRecords ? 'rotate-records' : 'rotate-age')
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
