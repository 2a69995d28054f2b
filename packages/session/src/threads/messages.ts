import type { CloseCode, ControlMessage, GoawayReason } from '@reversed-vpn/protocol'
import type { SecureTunnelOptions } from '../dial/dial-tunnel.js'
import type { LaneOptions } from '../lane/lane.js'
import type { RotationReason } from '../lane/session-lane.js'
import type { RefusalReason } from '../listen/refusal-reason.js'
import type { ProvenPeer } from '../listen/tls-door.js'
import type { ShootNetworks } from '../shoot-networks.js'
import type { TlsMaterial } from '../tls/tls-material.js'
import type { TrafficPolicy } from '../traffic-policy.js'
import type { GcPause } from './gc-pauses.js'
import type { TransferredError } from './transferred-error.js'

/** What a lane is told besides what it is and does: plain data. */
export type LaneSetting = Pick<
  LaneOptions,
  'index' | 'congestion' | 'keepaliveMs' | 'deadAfterMs' | 'rotateAfterRecords' | 'rotateAfterMs'
>

/** Certificates for those who dial us. */
export interface ShownMaterial {
  readonly tls: TlsMaterial
  readonly peerName: string
}

/** Methods of `Lane` that are called from the main thread. */
export type LaneCall =
  | readonly ['open']
  | readonly ['startSending']
  | readonly ['stopSending']
  | readonly ['askForReplacement']
  | readonly ['sendPayload', payload: Uint8Array]
  | readonly ['sendGoAway', reason: GoawayReason, laneOnly: boolean]
  | readonly ['close', code: CloseCode, reason: string]

/** A duplicate of the descriptor of another lane's queue: to be written to, and closed. */
export interface GivenQueue {
  readonly index: number
  readonly descriptor: number
}

/** To a connection on a thread. */
export type ConnectionOrder =
  | { readonly do: 'say'; readonly message: ControlMessage }
  /** Answered by `heard` or `unheard`. */
  | { readonly do: 'hear' }
  | { readonly do: 'end' }
  | { readonly do: 'abort' }
  | {
      readonly do: 'become-lane'
      readonly setting: LaneSetting
      readonly policy: TrafficPolicy
      readonly queueDescriptor: number
      /** Memory of a `FlowTable`. */
      readonly flows: SharedArrayBuffer
    }
  /** The lanes that carry, by index, and the queues of those of them that this connection does not have yet. */
  | { readonly do: 'steer'; readonly lanes: readonly number[]; readonly queues: readonly GivenQueue[] }
  | { readonly do: 'call'; readonly call: LaneCall }
  | { readonly do: 'set-networks'; readonly networks: ShootNetworks }
  /** Whether TCP packets of the queue are asked about, by `packets`, before they are sent. */
  | { readonly do: 'set-asking'; readonly isAsking: boolean }
  /** The answer: of `askedBytes`, these are the lane's to send. */
  | { readonly do: 'send-asked'; readonly packets: readonly Uint8Array[]; readonly askedBytes: number }

/** From a connection on a thread. */
export type ConnectionReport =
  | { readonly is: 'proven'; readonly peer: ProvenPeer }
  | { readonly is: 'refused'; readonly reason: RefusalReason; readonly detail: string }
  | { readonly is: 'failed'; readonly error: TransferredError }
  | { readonly is: 'heard'; readonly message: ControlMessage }
  | { readonly is: 'unheard'; readonly error: TransferredError }
  | LaneReport
  /** The connection is closed: the last that is heard of it. */
  | { readonly is: 'gone' }

/** From a lane on a thread: the methods of `LaneHandler`. */
export type LaneReport =
  | { readonly is: 'ready' }
  | { readonly is: 'goaway'; readonly reason: GoawayReason; readonly laneOnly: boolean }
  | { readonly is: 'rotation-due'; readonly reason: RotationReason }
  | { readonly is: 'down'; readonly error: TransferredError | undefined }
  | { readonly is: 'packets'; readonly packets: readonly Uint8Array[]; readonly askedBytes: number }

/** A connection that a thread takes over, before TLS. */
export interface GivenConnection {
  readonly id: number
  readonly descriptor: number
  /** What was read of it behind a PROXY header. */
  readonly early: Uint8Array | undefined
  readonly memory: SharedArrayBuffer
}

export type ToThread =
  | { readonly to: 'thread'; readonly show: ShownMaterial }
  | { readonly to: 'accept'; readonly given: GivenConnection }
  | { readonly to: 'dial'; readonly given: GivenConnection; readonly options: SecureTunnelOptions }
  | { readonly to: number; readonly order: ConnectionOrder }

export type FromThread =
  | { readonly from: 'thread'; readonly gcPauses: readonly GcPause[] }
  | { readonly from: number; readonly report: ConnectionReport }
