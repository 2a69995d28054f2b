/** A link between seed and shoot, the same in both directions. */
export interface WanLinkSetting {
  /** As `--only` and the results name it. */
  readonly name: string
  readonly roundTripMs: number
  readonly lossPercent: number
  readonly rateBitsPerSecond: number
}

/** In the order of the run and of the tables. A queue holds the bytes that the link transmits in one round trip. */
export const WAN_LINKS: readonly WanLinkSetting[] = [
  link('50ms', 50, 500),
  link('50ms-loss-0.1', 50, 500, 0.1),
  link('50ms-loss-1', 50, 500, 1),
  link('50ms-200mbit', 50, 200),
  link('10ms', 10, 500),
  link('200ms', 200, 500),
]

/** The links in the picture of throughput by loss. */
export const LOSS_SERIES: readonly string[] = ['50ms', '50ms-loss-0.1', '50ms-loss-1']

/** The link of a smoke run: delay, loss and rate. */
export const SMOKE_LINK = '50ms-loss-0.1'

export function describeLink({ roundTripMs, lossPercent, rateBitsPerSecond }: WanLinkSetting): string {
  return `${roundTripMs} ms, ${rateBitsPerSecond / 1e6} Mbit/s, ${lossPercent === 0 ? 'no' : `${lossPercent} %`} loss`
}

function link(name: string, roundTripMs: number, megabits: number, lossPercent = 0): WanLinkSetting {
  return { name, roundTripMs, lossPercent, rateBitsPerSecond: megabits * 1e6 }
}
