import type { CloseCode, GoawayReason } from '@reversed-vpn/protocol'
import type { SteeredLane } from './flow-steering.js'
import type { LaneCounters } from './lane-counters.js'
import type { PacketDiverter } from './lane-sender.js'

/**
 * A lane as its session knows it, whichever thread carries its packets. It carries packets from the peer as soon as it is open, and
 * packets to the peer between {@link startSending} and {@link stopSending}.
 */
export interface SessionLane {
  /** Which of the session's lanes this is, and with that which queue of the TUN it serves. */
  readonly index: number
  /** Which thread carries it: 0 is the main one. */
  readonly thread: number
  readonly counters: LaneCounters
  readonly openedAtMs: number
  /** The last measured round trip, absent until the first PONG. */
  readonly rttMs: number | undefined
  /** Settles when the lane is down or should be replaced, whichever end wants it: the moment to dial. */
  readonly leaving: Promise<void>
  readonly isDown: boolean
  /** Whether either end wants it replaced. */
  readonly isReplacementWanted: boolean
  /** When the last byte came from the peer, in milliseconds of `performance.now()`. */
  readonly lastByteAtMs: number
  /** Bytes of the stream that wait in this process. */
  readonly backlogBytes: number

  /** Begins to carry. Apart from the constructor, since messages may be waiting and are handed over at once. */
  open(): void
  /** Takes packets from the queue from now on. Idempotent. */
  startSending(): void
  /** Leaves packets of the queue to others. What was taken is still sent. Idempotent. */
  stopSending(): void
  /** Has flows led to these lanes, which carry now, as `FlowSteering` does. @default each packet goes to the queue of the lane it came by */
  steer(lanes: readonly SteeredLane[]): void
  /** Lets `divert` take packets out of what this lane reads from its queue; undefined: none. */
  setDiverter(divert: PacketDiverter | undefined): void
  /** Sends one packet, with its virtio-net header, that another lane has read. Copied; dropped when the lane is full. */
  sendPayload(payload: Uint8Array): void
  /** Has this lane replaced, whoever dials: both ends are told, and it carries on meanwhile. Idempotent. */
  askForReplacement(): void
  /** Asks the peer to replace this lane, or with `laneOnly` false to leave the session. */
  sendGoAway(reason: GoawayReason, laneOnly: boolean): void
  /** Stops sending, tells the peer why, lets what was written leave, and ends. Settles when the connection is gone. Idempotent. */
  close(code: CloseCode, reason: string): Promise<void>
  /** Cuts the connection at once; unsent packets are lost, as packets may be. Idempotent. */
  abort(error?: Error): void
}

/** What the owner of a lane is told. */
export interface LaneHandler {
  /** The first answer to a PING of ours: the peer is ready to carry packets. */
  onReady(lane: SessionLane): void
  /** The peer asks for this lane to be replaced (`laneOnly`), or for the whole session to be left. */
  onGoAway(lane: SessionLane, reason: GoawayReason, laneOnly: boolean): void
  /** The lane's key has protected enough, or is old enough: it should be replaced. Called once. */
  onRotationDue(lane: SessionLane, reason: RotationReason): void
  /** The lane is gone. Called once. `error` tells why; absent when it was closed in order. */
  onDown(lane: SessionLane, error?: Error): void
}

export type RotationReason = 'rotate-records' | 'rotate-age'
