import type { CarriedKind, FrameTypeName, GoawayReason, OffloadKind, RejectCode } from './constants.js'
import type { CloseCode } from './errors.js'

/**
 * The first frame of a lane, always from the shoot side. With `session`, `token` and `lane` it joins a session; without these
 * three it starts one.
 */
export interface HelloMessage {
  readonly type: 'HELLO'
  readonly version: number
  /** 32 lowercase hex digits, random per process. */
  readonly instance: string
  /** What the sender's TUN can take in a frame. */
  readonly accepts: readonly OffloadKind[]
  /** The longest IP packet in bytes that the sender's TUN can be set to, 576 to 65535. */
  readonly mtu: number
  /** Name and version for logs, up to 128 characters. */
  readonly software?: string
  /** How many lanes the shoot side wants, 1 to 256. */
  readonly lanes?: number
  readonly session?: string
  readonly token?: string
  readonly lane?: number
  /** What its lanes can carry; absent: packets. */
  readonly carries?: readonly CarriedKind[]
  /** 32 lowercase hex digits: the multiplexer of streams that it had with a seed side, to be continued. */
  readonly streams?: string
}

/** The seed side's answer that brings the lane up. */
export interface WelcomeMessage {
  readonly type: 'WELCOME'
  readonly version: number
  /** 32 lowercase hex digits; names the session, proves nothing. */
  readonly session: string
  /** 64 lowercase hex digits; a secret that lets further lanes join. */
  readonly token: string
  /** This lane's index, 0 to `lanesMax` − 1. */
  readonly lane: number
  /** 1 to 256. */
  readonly lanesMax: number
  /** MTU of the session in bytes, 576 to 65535, at most the one in HELLO. */
  readonly mtu: number
  readonly accepts: readonly OffloadKind[]
  /** Tunnel addresses in CIDR notation, with the prefix length of the transfer network: `192.168.123.1/24`. */
  readonly addresses: { readonly seed: readonly string[]; readonly shoot: readonly string[] }
  /** Networks in CIDR notation that the seed side wants to reach. */
  readonly networks: {
    readonly pod: readonly string[]
    readonly service: readonly string[]
    readonly node: readonly string[]
  }
  /** Both sides send a PING this often; 1 to 3,600,000. */
  readonly keepaliveMs: number
  /** Both sides take the peer for dead after this long without a byte; above `keepaliveMs`, up to 3,600,000. */
  readonly deadAfterMs: number
  /** What this lane carries; absent: packets. */
  readonly carries?: readonly CarriedKind[]
  /** The multiplexer of streams, 32 lowercase hex digits, and this lane's number in it, 1 to 2^48 − 1. Only with `carries`. */
  readonly streams?: { readonly id: string; readonly lane: number }
}

/** Instead of HELLO or WELCOME: the lane does not come up. `reason` is for people, up to 1024 characters. */
interface RejectMessage {
  readonly type: 'REJECT'
  readonly code: RejectCode
  readonly reason: string
}

interface PingMessage {
  readonly type: 'PING'
  /** uint32 that the answer repeats. */
  readonly id: number
}

interface PongMessage {
  readonly type: 'PONG'
  readonly id: number
}

/** Asks the dialler to replace one lane (`lane` given), or announces the end of the session (not given). */
export interface GoawayMessage {
  readonly type: 'GOAWAY'
  readonly lane?: number
  readonly reason: GoawayReason
}

/** The last frame of a lane. `reason` is for people, up to 1024 characters. */
export interface CloseMessage {
  readonly type: 'CLOSE'
  readonly code: CloseCode
  readonly reason: string
}

export type ControlMessage =
  | HelloMessage
  | WelcomeMessage
  | RejectMessage
  | PingMessage
  | PongMessage
  | GoawayMessage
  | CloseMessage

export type ControlName = ControlMessage['type'] & FrameTypeName
