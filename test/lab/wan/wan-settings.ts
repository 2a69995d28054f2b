import { LabError } from '../hosts/lab-error.js'

/** One direction of an emulated link. */
export interface WanDirection {
  /** Delay of every packet, in addition to its time in the queue and on the line. */
  readonly delayMs: number
  /** Share of the packets that never arrive, each by a throw of its own. 0 to 100. @default 0 */
  readonly lossPercent?: number
  /** Bits of IP packets, headers included, that go onto the line in a second. At most 10⁹. @default 1e9 */
  readonly rateBitsPerSecond?: number
  /** What may wait for the line, at least 2048; what comes when it is full is dropped. @default what the line carries in one round trip, at least 64 KiB */
  readonly queueBytes?: number
}

/** Both directions alike, but for what is given for one alone. */
export interface WanSettings extends WanDirection {
  readonly toShoot?: Partial<WanDirection>
  readonly toSeed?: Partial<WanDirection>
  /** The same seed loses the same packets, counted from the first of each direction. @default 1 */
  readonly seed?: number
}

export interface ResolvedWan {
  readonly toShoot: Required<WanDirection>
  readonly toSeed: Required<WanDirection>
  readonly seed: number
}

const MAX_RATE = 1e9
const MIN_QUEUE_BYTES = 64 * 1024
/** The longest packet that wan-link.c takes. */
const MAX_PACKET_BYTES = 2048

/** @throws LabError ERR_LAB_SETTING that names the setting, its value and what is expected */
export function resolveWan(settings: WanSettings): ResolvedWan {
  const { toShoot, toSeed, seed = 1, ...both } = settings
  const given = { toShoot: { ...both, ...toShoot }, toSeed: { ...both, ...toSeed } }
  const roundTripMs = given.toShoot.delayMs + given.toSeed.delayMs
  return {
    toShoot: resolveDirection(given.toShoot, roundTripMs),
    toSeed: resolveDirection(given.toSeed, roundTripMs),
    seed: inRange('seed', seed, 0, Number.MAX_SAFE_INTEGER - 1),
  }
}

function resolveDirection(direction: WanDirection, roundTripMs: number): Required<WanDirection> {
  const { delayMs, lossPercent = 0, rateBitsPerSecond = MAX_RATE } = direction
  const { queueBytes = Math.max(MIN_QUEUE_BYTES, Math.round((rateBitsPerSecond / 8e3) * roundTripMs)) } =
    direction
  return {
    delayMs: inRange('delayMs', delayMs, 0, 10_000),
    lossPercent: inRange('lossPercent', lossPercent, 0, 100),
    rateBitsPerSecond: inRange('rateBitsPerSecond', rateBitsPerSecond, 1000, MAX_RATE),
    queueBytes: inRange('queueBytes', queueBytes, MAX_PACKET_BYTES, 1e9),
  }
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value
  throw new LabError('ERR_LAB_SETTING', `${name} is ${value}, expected ${least} to ${most}`)
}
