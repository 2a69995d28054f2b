import { parseAddressWithPrefix, parseNetworkCidr } from '@reversed-vpn/ip'
import {
  CARRIED_KINDS,
  type CarriedKind,
  GOAWAY_REASONS,
  MAX_LANES,
  MAX_NETWORKS,
  MAX_REASON_CHARACTERS,
  OFFLOAD_KINDS,
  type OffloadKind,
  REJECT_CODES,
} from './constants.js'
import type { ControlMessage, ControlName } from './control-message.js'
import { CLOSE_CODES } from './errors.js'
import { integer, listOf, object, oneOf, optional, type Shape, text, textThat, where } from './shape.js'
import { MAX_STREAM_ID } from './stream/stream-constants.js'

const id128 = textThat((value) => /^[0-9a-f]{32}$/.test(value), '32 lowercase hex digits')
const token = textThat((value) => /^[0-9a-f]{64}$/.test(value), '64 lowercase hex digits')
const version = integer(1, 65_535)
const lane = integer(0, MAX_LANES - 1)
const lanes = integer(1, MAX_LANES)
const mtu = integer(576, 65_535)
const intervalMs = integer(1, 3_600_000)
const reason = text(MAX_REASON_CHARACTERS)
const addresses = listOf(
  textThat(reads(parseAddressWithPrefix), 'an address with its prefix length'),
  MAX_NETWORKS,
)
const networks = listOf(textThat(reads(parseNetworkCidr), 'a network behind the tunnel'), MAX_NETWORKS)
const kinds = listOf(text(32), 32)

/** Kinds that this version does not know are dropped: it never sends them. */
const accepts: Shape<OffloadKind[]> = (value) => kinds(value).filter(isOffloadKind)

function isOffloadKind(kind: string): kind is OffloadKind {
  return (OFFLOAD_KINDS as readonly string[]).includes(kind)
}

const carries: Shape<CarriedKind[]> = (value) => kinds(value).filter(isCarriedKind)

function isCarriedKind(kind: string): kind is CarriedKind {
  return (CARRIED_KINDS as readonly string[]).includes(kind)
}

/** Whether `parse` takes a text. */
function reads(parse: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      parse(text)
      return true
    } catch {
      return false
    }
  }
}

const hello = object({
  version,
  instance: id128,
  accepts,
  mtu,
  software: optional(text(128)),
  lanes: optional(lanes),
  session: optional(id128),
  token: optional(token),
  lane: optional(lane),
  carries: optional(carries),
  streams: optional(id128),
})

const welcome = object({
  version,
  session: id128,
  token,
  lane,
  lanesMax: lanes,
  mtu,
  accepts,
  addresses: object({ seed: addresses, shoot: addresses }),
  networks: object({ pod: networks, service: networks, node: networks }),
  keepaliveMs: intervalMs,
  deadAfterMs: intervalMs,
  carries: optional(carries),
  streams: optional(object({ id: id128, lane: integer(1, MAX_STREAM_ID) })),
})

const heartbeat = object({ id: integer(0, 0xffff_ffff) })

/** The JSON of each control frame. */
export const CONTROL_SCHEMAS = {
  HELLO: where(
    hello,
    ({ session, token, lane }) =>
      (session === undefined) === (token === undefined) && (token === undefined) === (lane === undefined),
    'session, token and lane come together or not at all',
  ),
  WELCOME: where(
    where(welcome, ({ lane, lanesMax }) => lane < lanesMax, 'lane is not below lanesMax'),
    ({ keepaliveMs, deadAfterMs }) => keepaliveMs < deadAfterMs,
    'deadAfterMs is not above keepaliveMs',
  ),
  REJECT: object({ code: oneOf(REJECT_CODES), reason }),
  PING: heartbeat,
  PONG: heartbeat,
  GOAWAY: object({ lane: optional(lane), reason: oneOf(GOAWAY_REASONS) }),
  CLOSE: object({ code: oneOf(CLOSE_CODES), reason }),
} as const satisfies {
  [Name in ControlName]: Shape<Omit<Extract<ControlMessage, { type: Name }>, 'type'>>
}
