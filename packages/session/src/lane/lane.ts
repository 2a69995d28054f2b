import {
  type CloseCode,
  type ControlMessage,
  type FrameView,
  type GoawayReason,
  TunnelError,
} from '@reversed-vpn/protocol'
import type { FrameStreamHandler } from '../frame-stream.js'
import { MAX_RECORDS_OF_A_KEY } from '../limits.js'
import { checkLegal, type Legal } from '../state.js'
import { createDataPath, type DataPath } from './data-path.js'
import type { SteeredLane } from './flow-steering.js'
import { Keepalive } from './keepalive.js'
import { createLaneCounters, type LaneCounters, recordsOf } from './lane-counters.js'
import type { LaneEnd, RotationReason } from './lane-handler.js'
import type { LaneOptions } from './lane-options.js'
import type { PacketAdmitter } from './lane-receiver.js'
import { LaneStreams } from './lane-streams.js'
import type { PacketRedirector } from './packet-framer.js'
import { mostRecords, rotationDue } from './rotation.js'

/** `closing`: we have sent CLOSE, with that code. */
type LaneState =
  | { readonly name: 'new' | 'up' | 'retiring' | 'down' }
  | { readonly name: 'closing'; readonly code: CloseCode }

const LEGAL: Legal<LaneState['name']> = {
  new: ['up', 'closing', 'down'],
  up: ['retiring', 'closing', 'down'],
  retiring: ['closing', 'down'],
  closing: ['down'],
  down: [],
}

/**
 * One TLS connection bound to one TUN queue.
 *
 *     TUN queue ──▶ LaneSender, PacketFramer ──▶ FrameStream ──▶ peer
 *     TUN queue ◀── TunWriter, LaneReceiver  ◀── FrameStream ◀── peer
 *     LaneLink  ◀── LaneStreams ─────────────▶── FrameStream ──▶ peer, where the lane carries streams
 *
 *     new ──open──▶ up ──either end wants it replaced──▶ retiring
 *      │             ├───────────── close ────────────────┴──▶ closing ──connection gone──▶ down
 *      └─────────────┴───────── connection gone, or the peer sends CLOSE ────────────────────▶ ▲
 *
 * It takes packets from the peer as soon as it is open. It sends packets to the peer between {@link startSending}
 * and {@link stopSending}, while it is up or retiring.
 *
 * While the peer is silent nothing is sent: if it is dead, what was sent is lost, while what waits in the
 * queue goes out at once on the next lane.
 */
export class Lane implements FrameStreamHandler {
  readonly index: number
  readonly counters: LaneCounters
  /** For people, as the wall clock has it. */
  readonly openedAtMs = Date.now()
  /** The last measured round trip, absent until the first PONG. */
  rttMs: number | undefined
  /** Settles when the lane is down or should be replaced, whichever end wants it: the moment to dial. */
  readonly leaving: Promise<void>

  readonly #createdAtMs = performance.now()
  readonly #options: LaneOptions
  readonly #path: DataPath
  readonly #streams: LaneStreams
  readonly #keepalive: Keepalive
  #resolveLeaving: () => void = () => {}
  readonly #done: Promise<void>
  #resolveDone: () => void = () => {}
  #state: LaneState = { name: 'new' }
  #isSendingWanted = false
  #silentSinceMs: number | undefined

  constructor(options: LaneOptions) {
    this.#options = options
    this.index = options.index
    this.counters = createLaneCounters()
    this.#path = createDataPath(options, this.counters, {
      onDeviceError: (error) => this.abort(error),
      onSent: () => this.#checkKeys(),
    })
    this.#streams = new LaneStreams({
      frames: options.frames,
      counters: this.counters.toPeer,
      writes: this.#path.writes,
      rttMs: () => this.rttMs,
      onSent: () => this.#checkKeys(),
    })
    this.#keepalive = new Keepalive({
      frames: options.frames,
      keepaliveMs: options.keepaliveMs,
      deadAfterMs: options.deadAfterMs,
      onRoundTrip: (rttMs) => this.#onRoundTrip(rttMs),
      onTick: () => this.#checkRotation(),
      onSilent: () => this.#setPeerSilent(true),
      onDead: (silentMs) => this.#onDead(silentMs),
    })
    this.leaving = new Promise((resolve) => {
      this.#resolveLeaving = resolve
    })
    this.#done = new Promise((resolve) => {
      this.#resolveDone = resolve
    })
  }

  /** Begins to work. Not part of the constructor, since messages that wait are delivered at once. */
  open(): void {
    this.#enter({ name: 'up' })
    this.#keepalive.start()
    // First, since messages that wait may end the lane.
    const error = this.#streams.join(this.#options.joinStreams)
    this.#options.frames.setHandler(this)
    if (error !== undefined) this.#options.frames.fail(error)
  }

  get isDown(): boolean {
    return this.#state.name === 'down'
  }

  /** Whether either end wants it replaced. */
  get isReplacementWanted(): boolean {
    return this.#state.name === 'retiring'
  }

  /** When the last byte came from the peer, in milliseconds of `performance.now()`. */
  get lastByteAtMs(): number {
    return this.#options.frames.lastByteAtMs
  }

  /** Since when nothing is sent as the peer does not answer, in milliseconds of `performance.now()`. */
  get silentSinceMs(): number | undefined {
    return this.#silentSinceMs
  }

  /** Whether byte streams go over it. They stay with it as long as it is there. */
  get carriesStreams(): boolean {
    return this.#streams.isJoined
  }

  /** Bytes of the stream that wait in this process. */
  get backlogBytes(): number {
    return this.#options.frames.stream.writableLength
  }

  /** Takes packets from the queue from now on. Idempotent. */
  startSending(): void {
    this.#isSendingWanted = true
    this.#applySending()
  }

  /** Leaves packets of the queue to others. What was taken is still sent. Idempotent. */
  stopSending(): void {
    this.#isSendingWanted = false
    this.#applySending()
  }

  /** Steers flows among these lanes, see `FlowSteering`. With fewer than two, packets stay on this lane. */
  steer(lanes: readonly SteeredLane[]): void {
    this.#path.steering.setLanes(lanes)
  }

  /** Lets `redirect` take packets out of what this lane reads from its queue; undefined: none. */
  setRedirector(redirect: PacketRedirector | undefined): void {
    this.#path.framer.redirect = redirect
  }

  /** Has `admit` decide which packets from the peer are written; undefined: all that pass the checks. */
  setAdmitter(admit: PacketAdmitter | undefined): void {
    this.#path.receiver.admit = admit
  }

  /** Sends a packet with its virtio-net header that another lane has read. Copied; dropped if full. */
  sendPayload(payload: Uint8Array): void {
    if (this.#canSend) this.#path.sender.sendPayload(payload)
  }

  /** Has this lane replaced, whoever dials: both ends are told, and it goes on meanwhile. Idempotent. */
  askForReplacement(): void {
    this.#startRotation('rotate-age')
  }

  /** Asks the peer to replace this lane, or with `laneOnly` false to leave the session. */
  sendGoAway(reason: GoawayReason, laneOnly: boolean): void {
    const lane = laneOnly ? { lane: this.index } : {}
    this.#options.frames.sendControl({ type: 'GOAWAY', ...lane, reason })
  }

  /** Sends CLOSE after what was written, and ends. Settles when the connection is gone. Idempotent. */
  close(code: CloseCode, reason: string): Promise<void> {
    if (this.#state.name !== 'closing' && this.#state.name !== 'down') {
      this.#enter({ name: 'closing', code })
      this.#applySending()
      this.#streams.stopSending()
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
        if (message.lane === undefined) this.#options.handler.onGoAway(message.reason)
        else this.#retire()
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
    if (this.#state.name !== 'down') this.#path.receiver.receive(view)
  }

  onStreamFrame(view: FrameView): void {
    if (this.#state.name !== 'down') this.#streams.receive(view)
  }

  onChunkEnd(chunkBytes: number): void {
    this.counters.fromPeer.records += recordsOf(chunkBytes)
    this.#path.receiver.flush()
    this.#streams.onChunkEnd()
    if (this.#silentSinceMs !== undefined) this.#setPeerSilent(false)
    this.#checkKeys()
  }

  onClose(error?: Error): void {
    const { name } = this.#state
    if (name === 'down') return
    const isReplaced = this.#state.name === 'closing' && this.#state.code === 'replaced'
    // After our own CLOSE it does not matter how the connection ends.
    this.#goDown({ error: name === 'closing' ? undefined : error, isReplaced })
  }

  #goDown(end: LaneEnd): void {
    this.#enter({ name: 'down' })
    this.#resolveLeaving()
    this.#keepalive.stop()
    this.#applySending()
    this.#streams.onDown()
    this.#options.handler.onDown(end)
    this.#resolveDone()
  }

  #enter(next: LaneState): void {
    checkLegal(`lane ${this.index}`, LEGAL, this.#state.name, next.name)
    this.#state = next
  }

  /** Neither ending nor ended. */
  get #canSend(): boolean {
    return this.#state.name === 'up' || this.#state.name === 'retiring'
  }

  #applySending(): void {
    if (this.#isSendingWanted && this.#silentSinceMs === undefined && this.#canSend) this.#path.sender.start()
    else this.#path.sender.stop()
  }

  #onRoundTrip(rttMs: number): void {
    const isFirst = this.rttMs === undefined
    this.rttMs = rttMs
    if (isFirst) this.#streams.onPeerAnswers()
    if (isFirst && this.#canSend) this.#options.handler.onReady()
  }

  get ageMs(): number {
    return performance.now() - this.#createdAtMs
  }

  get #records(): number {
    return mostRecords(this.counters, this.#options.frames.controlsSent)
  }

  /** Ends the lane where its keys must protect nothing more, and no replacement came in time. */
  #checkKeys(): void {
    const { frames, maxRecords = MAX_RECORDS_OF_A_KEY } = this.#options
    if (!this.#canSend || this.#records < maxRecords) return
    frames.fail(new TunnelError('ERR_KEY_SPENT', `not replaced within ${maxRecords} TLS records`), 'internal')
  }

  #checkRotation(): void {
    this.#checkKeys()
    const reason = rotationDue(this.#records, this.ageMs, this.#options)
    if (reason !== undefined) this.#startRotation(reason)
  }

  #startRotation(reason: RotationReason): void {
    if (this.#retire()) this.#options.handler.onRotationDue(reason)
  }

  /** @returns false when a replacement is of no use, or wanted already */
  #retire(): boolean {
    if (this.#state.name !== 'up') return false
    this.#enter({ name: 'retiring' })
    this.#resolveLeaving()
    return true
  }

  #setPeerSilent(isSilent: boolean): void {
    if (isSilent === (this.#silentSinceMs !== undefined)) return
    this.#silentSinceMs = isSilent ? performance.now() : undefined
    this.#applySending()
    if (this.#canSend) this.#options.handler.onSilenceChange()
  }

  #onDead(silentMs: number): void {
    const { deadAfterMs } = this.#options
    const text = `no byte from the peer for ${Math.round(silentMs)} ms, limit ${deadAfterMs} ms`
    this.abort(new TunnelError('ERR_PEER_DEAD', text))
  }

  #onPeerClose(code: CloseCode, reason: string): void {
    if (this.#state.name === 'closing') this.onClose()
    else if (code === 'replaced' || code === 'going-away')
      this.#goDown({ error: undefined, isReplaced: code === 'replaced' })
    else this.onClose(new TunnelError('ERR_PEER_CLOSED', `peer closed the lane: ${code}, ${reason}`))
    // The peer sends nothing more; what we have written may still leave.
    this.#options.frames.end()
  }
}
