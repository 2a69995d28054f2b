/** One way between the seed and the shoot, the same in both directions. */
export interface WanLinkSetting {
  /** As `--only` and the results name it. */
  readonly name: string
  readonly roundTripMs: number
  readonly lossPercent: number
  readonly rateBitsPerSecond: number
}

/** In the order in which they are run and shown. Queues hold what the line carries in one round trip. */
export const WAN_LINKS: readonly WanLinkSetting[] = [
  link('50ms', 50, 500),
  link('50ms-loss-0.1', 50, 500, 0.1),
  link('50ms-loss-1', 50, 500, 1),
  link('50ms-200mbit', 50, 200),
  link('10ms', 10, 500),
  link('200ms', 200, 500),
]

/** What of them makes the picture of throughput by loss. */
export const LOSS_SERIES: readonly string[] = ['50ms', '50ms-loss-0.1', '50ms-loss-1']

/** The one a smoke run takes: with every property a link can have. */
export const SMOKE_LINK = '50ms-loss-0.1'

export function describeLink({ roundTripMs, lossPercent, rateBitsPerSecond }: WanLinkSetting): string {
  return `${roundTripMs} ms, ${rateBitsPerSecond / 1e6} Mbit/s, ${lossPercent === 0 ? 'no' : `${lossPercent} %`} loss`
}

function link(name: string, roundTripMs: number, megabits: number, lossPercent = 0): WanLinkSetting {
  return { name, roundTripMs, lossPercent, rateBitsPerSecond: megabits * 1e6 }
}
