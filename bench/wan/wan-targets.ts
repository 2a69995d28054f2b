import { judge, type Limits, pairedRatios, type Verdict } from '../report/verdict.js'
import type { WanResults, WanSample } from './wan-results.js'
import { CONGESTIONS } from './wan-variants.js'

/** A target over one link, with BBR outside and each congestion control inside. */
interface WanTarget extends Limits {
  readonly title: string
  readonly linkName: string
  readonly peers: readonly string[]
  readonly value: (values: WanSample['values']) => number | undefined
  /** Divides by the same value of this peer. */
  readonly base?: string
  readonly stretch?: Limits
}

const OURS = ['ours', 'ours-lanes-4']
const LOSSY = { linkName: '50ms-loss-0.1', title: '50 ms, 0.1 % loss' }
const NARROW = { linkName: '50ms-200mbit', title: '50 ms, 200 Mbit/s' }

const TARGETS: readonly WanTarget[] = [
  {
    title: `8 TCP streams, ${LOSSY.title}`,
    linkName: LOSSY.linkName,
    peers: ['ours-lanes-4'],
    value: ({ eightStreamsMegabits }) => eightStreamsMegabits,
    base: 'openvpn',
    atLeast: 2.5,
    stretch: { atLeast: 3 },
  },
  {
    title: `ping p95 under load, ms above idle, ${LOSSY.title}`,
    linkName: LOSSY.linkName,
    peers: OURS,
    value: ({ loadedPingP95AboveMs }) => loadedPingP95AboveMs,
    atMost: 20,
    stretch: { atMost: 8 },
  },
  {
    title: `ping p95 under load, ${NARROW.title}`,
    linkName: NARROW.linkName,
    peers: OURS,
    value: ({ idlePingMs, loadedPingP95AboveMs }) => sum(idlePingMs, loadedPingP95AboveMs),
    base: 'openvpn',
    atMost: 1,
    stretch: { atMost: 0.9 },
  },
  {
    title: `the load, 1 TCP stream, ${NARROW.title}`,
    linkName: NARROW.linkName,
    peers: OURS,
    value: ({ oneStreamMegabits }) => oneStreamMegabits,
    base: 'openvpn',
    atLeast: 1,
  },
]

/** Judges all targets that were measured. */
export function judgeWan(results: WanResults): Verdict[] {
  return TARGETS.flatMap((target) =>
    target.peers.flatMap((peer) => CONGESTIONS.flatMap((inner) => judgeOne(results, target, peer, inner))),
  )
}

function judgeOne(results: WanResults, target: WanTarget, peer: string, inner: string): Verdict[] {
  const { title, base } = target
  const own = valuesOf(results, target, `${peer} ${inner}/bbr`)
  const other = base === undefined ? undefined : valuesOf(results, target, `${base} ${inner}/bbr`)
  const values = other === undefined ? [...own.values()] : pairedRatios(own, other)
  if (values.length === 0) return []
  const who = base === undefined ? peer : `${peer} / ${base}`
  return [judge(`${title}, ${inner} in bbr: ${who}`, values, target)]
}

/** By repetition. */
function valuesOf(
  { samples }: WanResults,
  { linkName, value }: WanTarget,
  variant: string,
): Map<number, number> {
  const own = samples.filter((sample) => sample.linkName === linkName && sample.variant === variant)
  return new Map(
    own.flatMap((sample) => {
      const one = value(sample.values)
      return one === undefined ? [] : [[sample.repetition, one]]
    }),
  )
}

function sum(...values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((one, other) => (one === undefined || other === undefined ? undefined : one + other))
}
