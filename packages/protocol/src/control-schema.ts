import * as z from 'zod'
import {
  GOAWAY_REASONS,
  MAX_LANES,
  MAX_REASON_CHARACTERS,
  OFFLOAD_KINDS,
  type OffloadKind,
  REJECT_CODES,
} from './constants.js'
import type { ControlMessage, ControlName } from './control-message.js'
import { CLOSE_CODES } from './errors.js'

const id128 = z.string().regex(/^[0-9a-f]{32}$/)
const token = z.string().regex(/^[0-9a-f]{64}$/)
const version = z.int().min(1).max(65_535)
const lane = z
  .int()
  .min(0)
  .max(MAX_LANES - 1)
const mtu = z.int().min(576).max(65_535)
const intervalMs = z.int().min(1).max(3_600_000)
const reason = z.string().max(MAX_REASON_CHARACTERS)
const cidrs = z.array(z.union([z.cidrv4(), z.cidrv6()])).max(256)

// Kinds that this version doesn't know are dropped: what is not accepted by both is not sent anyway.
const accepts = z
  .array(z.string().max(32))
  .max(32)
  .transform((kinds) => kinds.filter(isOffloadKind))

function isOffloadKind(kind: string): kind is OffloadKind {
  return (OFFLOAD_KINDS as readonly string[]).includes(kind)
}

const heartbeat = z.object({ id: z.int().min(0).max(0xffff_ffff) })

/** What each control frame's JSON has to be. Unknown keys are dropped, so that a later version can add some. */
export const CONTROL_SCHEMAS = {
  HELLO: z
    .object({
      version,
      instance: id128,
      accepts,
      mtu,
      software: z.string().max(128).exactOptional(),
      session: id128.exactOptional(),
      token: token.exactOptional(),
      lane: lane.exactOptional(),
    })
    .refine(
      (hello) =>
        (hello.session === undefined) === (hello.token === undefined) &&
        (hello.token === undefined) === (hello.lane === undefined),
      { message: 'session, token and lane come together or not at all' },
    ),
  WELCOME: z
    .object({
      version,
      session: id128,
      token,
      lane,
      lanesMax: z.int().min(1).max(MAX_LANES),
      mtu,
      accepts,
      addresses: z.object({ seed: cidrs, shoot: cidrs }),
      networks: z.object({ pod: cidrs, service: cidrs, node: cidrs }),
      keepaliveMs: intervalMs,
      deadAfterMs: intervalMs,
    })
    .refine((welcome) => welcome.lane < welcome.lanesMax, { message: 'lane is not below lanesMax' })
    .refine((welcome) => welcome.keepaliveMs < welcome.deadAfterMs, {
      message: 'deadAfterMs is not above keepaliveMs',
    }),
  REJECT: z.object({ code: z.enum(REJECT_CODES), reason }),
  PING: heartbeat,
  PONG: heartbeat,
  GOAWAY: z.object({ lane: lane.exactOptional(), reason: z.enum(GOAWAY_REASONS) }),
  CLOSE: z.object({ code: z.enum(CLOSE_CODES), reason }),
} as const satisfies {
  [Name in ControlName]: z.ZodType<Omit<Extract<ControlMessage, { type: Name }>, 'type'>>
}
