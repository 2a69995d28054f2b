import type { Limits } from '../report/verdict.js'

/** The target for the ratio of two peers in one figure. */
export interface RatioTarget extends Limits {
  readonly title: string
  readonly scenario: string
  /** A key of the scenario's values, or `cpuSecondsPerGigabyte`: of both daemons together. */
  readonly metric: string
  readonly peer: string
  /** `external`: the first external peer. */
  readonly base: string
  /** @default the same scenario */
  readonly baseScenario?: string
  /** A second, harder target. */
  readonly stretch?: Limits
}

export const RATIO_TARGETS: readonly RatioTarget[] = [
  ...throughput('1 TCP stream', 'tcp-1', 'ours', 'openvpn', 9, 11),
  ...throughput('1 TCP stream through CONNECT', 'tcp-1', 'ours-proxy', 'openvpn-proxy', 2.2),
  ...throughput('32 TCP streams', 'tcp-32', 'ours', 'openvpn', 8),
  ...throughput('1 TCP stream', 'tcp-1', 'ours', 'external', 0.78, 0.9),
  ...throughput('32 TCP streams', 'tcp-32', 'ours', 'external', 0.95),
  ...throughput('1 TCP stream', 'tcp-1', 'ours-gateway', 'ours', 0.7),
  ...throughput('1 TCP stream', 'tcp-1', 'ours-gateway', 'ours-haproxy', 0.85),
  ...throughput('1 TCP stream', 'tcp-1', 'ours-websocket', 'ours-gateway', 0.75),
  ...throughput('1 TCP stream', 'tcp-1', 'ours-websocket-nginx', 'ours-proxy', 0.75),
  ...bothDirections((suffix, words) => ({
    title: `CPU seconds per GB, both daemons, 1 TCP stream, ${words}`,
    scenario: `tcp-1-${suffix}`,
    metric: 'cpuSecondsPerGigabyte',
    peer: 'ours',
    base: 'openvpn',
    atMost: 0.12,
  })),
  {
    title: '64-byte UDP delivered',
    scenario: 'udp-64-to-shoot',
    metric: 'megabitsPerSecond',
    peer: 'ours',
    base: 'openvpn',
    atLeast: 1.2,
    stretch: { atLeast: 1.8 },
  },
  {
    title: 'TCP ping-pong, one way, p50',
    scenario: 'ping-pong',
    metric: 'p50Microseconds',
    peer: 'ours',
    base: 'openvpn',
    atMost: 2,
    stretch: { atMost: 1.4 },
  },
  ...bothDirections((suffix, words) => ({
    title: `RTT under load, mean, ${words}`,
    scenario: `rtt-under-load-${suffix}`,
    metric: 'meanMs',
    peer: 'ours',
    base: 'openvpn',
    atMost: 0.4,
  })),
  ...[
    ['p99Microseconds', 'p99'],
    ['p99OfTimeMicroseconds', 'p99 of the time'],
  ].flatMap(([metric = '', title]) =>
    bothDirections((suffix, words) => ({
      title: `TCP ping-pong under load, one way, ${title}, ${words}`,
      scenario: `ping-pong-under-load-${suffix}`,
      metric,
      peer: 'ours',
      base: 'openvpn',
      atMost: 0.3,
    })),
  ),
  {
    title: 'CONNECTs per second, new mTLS connections, 16 at a time',
    scenario: 'egress-connects-16',
    metric: 'connectsPerSecond',
    peer: 'ours',
    base: 'haproxy-egress',
    atLeast: 0.35,
    stretch: { atLeast: 0.6 },
  },
  ...againstKonnectivity(),
  ...bothDirections((suffix, words) => ({
    title: `1 bulk stream through the egress proxy, ${words}`,
    scenario: `egress-bulk-${suffix}`,
    metric: 'gigabitsPerSecond',
    peer: 'ours',
    base: 'ours',
    baseScenario: `egress-routed-${suffix}`,
    atLeast: 0.35,
    stretch: { atLeast: 0.6 },
  })),
]

function throughput(
  title: string,
  prefix: string,
  peer: string,
  base: string,
  atLeast: number,
  stretch?: number,
): RatioTarget[] {
  return bothDirections((suffix, words) => ({
    title: `${title}, ${words}`,
    scenario: `${prefix}-${suffix}`,
    metric: 'gigabitsPerSecond',
    peer,
    base,
    atLeast,
    ...(stretch === undefined ? {} : { stretch: { atLeast: stretch } }),
  }))
}

function bothDirections(target: (suffix: string, words: string) => RatioTarget): RatioTarget[] {
  return ['to-shoot', 'to-seed'].map((suffix) => target(suffix, suffix.replace('-', ' ')))
}

/** What kube-apiserver would have instead. */
function againstKonnectivity(): RatioTarget[] {
  const peers = { peer: 'ours', base: 'konnectivity' }
  const many = 'egress-many-2000'
  return [
    {
      title: 'CONNECTs per second, new mTLS connections, 16 at a time',
      scenario: 'egress-connects-16',
      metric: 'connectsPerSecond',
      atLeast: 0.8,
      stretch: { atLeast: 1 },
    },
    {
      title: 'CONNECT over a new mTLS connection, first byte p50',
      scenario: 'egress-connects-1',
      metric: 'firstByteP50Ms',
      atMost: 1.05,
    },
    {
      title: '1 bulk stream through the egress proxy, to shoot',
      scenario: 'egress-bulk-to-shoot',
      metric: 'gigabitsPerSecond',
      atLeast: 1,
      stretch: { atLeast: 1.2 },
    },
    {
      title: '1 bulk stream through the egress proxy, to seed',
      scenario: 'egress-bulk-to-seed',
      metric: 'gigabitsPerSecond',
      atLeast: 1.7,
      stretch: { atLeast: 2 },
    },
    { title: '2000 downloads at once', scenario: many, metric: 'megabytesPerSecond', atLeast: 1.3 },
    {
      title: 'small CONNECT meanwhile, p99',
      scenario: many,
      metric: 'small-p99Ms',
      atMost: 1,
    },
    {
      title: 'small CONNECT meanwhile, p99, 200 readers stand still',
      scenario: `${many}-still-200`,
      metric: 'small-p99Ms',
      atMost: 1,
    },
    ...['seed', 'shoot'].map((side) => ({
      title: `2000 downloads at once, peak memory in the ${side}`,
      scenario: many,
      metric: `${side}PeakMegabytes`,
      atMost: 1,
    })),
  ].map((target) => ({ ...peers, ...target }))
}
