import type { DaemonContext } from '@reversed-vpn/daemon'
import type { CarriedKind } from '@reversed-vpn/protocol'

/**
 * `tun`: IP packets, by a TUN interface. `streams`: byte streams, for which this machine needs nothing. `both`: streams where the
 * peer takes them, packets as well.
 */
export const CARRY_MODES = ['tun', 'streams', 'both'] as const
type CarryMode = (typeof CARRY_MODES)[number]

const KINDS: Readonly<Record<CarryMode, readonly CarriedKind[]>> = {
  tun: ['packets'],
  streams: ['streams'],
  both: ['packets', 'streams'],
}

/** Flags of either daemon that say something about packets. */
const PACKET_FLAGS = [
  'tun',
  'offload',
  'network-setup',
  'mtu',
  'vpn-network',
  'routed-from',
  'egress-interface',
  'probe-interval',
  'probe-target',
]

/** What `--carry` comes to. @throws UsageError naming a flag that would have no effect */
export function resolveCarriedKinds(
  { carry }: { readonly carry: CarryMode },
  { isGiven, optionError }: Pick<DaemonContext, 'isGiven' | 'optionError'>,
): readonly CarriedKind[] {
  const idle = carry === 'streams' ? PACKET_FLAGS.find(isGiven) : undefined
  if (idle !== undefined)
    throw optionError(idle, `is for packets, and --carry streams carries none: leave out --${idle}`)
  return KINDS[carry]
}

/** Why nothing can be carried between two sides; undefined: something can. A side that does not say carries packets. */
export function findCarryProblem(
  seed: readonly CarriedKind[] = ['packets'],
  shoot: readonly CarriedKind[] = ['packets'],
): string | undefined {
  if (seed.some((kind) => shoot.includes(kind))) return undefined
  return `the seed side carries ${wordsOf(seed)}, the shoot side ${wordsOf(shoot)} (--carry)`
}

function wordsOf(kinds: readonly CarriedKind[]): string {
  return kinds.length === 0 ? 'nothing that is known here' : `${kinds.join(' and ')} only`
}
