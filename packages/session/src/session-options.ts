import type { QueueSet } from '@reversed-vpn/node-tun'
import type { GoawayReason } from '@reversed-vpn/protocol'
import type { AuthenticatedPeer } from '@reversed-vpn/secure'
import type { Lane } from './lane/lane.js'
import type { LaneEnd } from './lane/lane-handler.js'
import type { LaneSettings } from './lane/lane-options.js'
import type { TrafficTotals } from './lane/traffic-totals.js'
import type { TrafficPolicy } from './traffic-policy.js'

/** Who is at the other end, as its certificate and its HELLO say. */
export interface SessionPeer extends Partial<AuthenticatedPeer> {
  readonly name: string
  /** Random per process of the shoot side. */
  readonly instance: string
  /** The address it dialled from, or was dialled at. Behind a proxy it is what that says, and no more than a label. */
  readonly remoteAddress: string
  /** The proxy that the connection really comes from, where one named the `remoteAddress`. */
  readonly proxyAddress?: string | undefined
  /** Random per process of the seed side. Known where that one dialled. */
  readonly diallerId?: string | undefined
}

export interface SessionOptions extends LaneSettings {
  readonly id: string
  /** A further lane must present it: 256 bits, hexadecimal. Never logged. */
  readonly token: string
  readonly peer: SessionPeer
  readonly queues: QueueSet
  readonly totals: TrafficTotals
  /** What may travel, at first; see `Session.setNetworks`. */
  readonly policy: TrafficPolicy
  /** How many lanes the side that dials keeps up. */
  readonly lanesWanted: number
  /** Whether a lane may send at once where no other does. Otherwise it sends once the peer has answered there. */
  readonly isReadyOnOpen: boolean
  readonly handler: SessionHandler
}

/** What the owner of a session is told. */
interface SessionHandler {
  /** A lane may send from now on. The first of them makes the session ready. */
  onLaneReady(lane: Lane): void
  /** The peer wants the session to end. */
  onGoAway(reason: GoawayReason): void
  /** A lane is gone; the session goes on while it has others. Called once for each lane that was added. */
  onLaneDown(lane: Lane, end: LaneEnd): void
  /** The session has ended: its last lane is gone, or it was ended before it had one. Called once. */
  onClosed(error: Error | undefined): void
}

/** What becomes of a session that drains. */
export interface DrainOptions {
  /** It is closed after so long. @default the peer closes it */
  readonly closeAfterMs?: number
}
