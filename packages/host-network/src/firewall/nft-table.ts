import { nftTableName } from '../owned-names.js'
import type { FamilyPlan } from '../plan/network-plan.js'

/** ICMP messages that report on a packet they quote. Redirects are none of them. */
const ICMP_ERRORS = {
  4: 'icmp type { destination-unreachable, time-exceeded, parameter-problem }',
  6: 'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }',
} as const

const IP_HEADER = { 4: 'ip', 6: 'ip6' } as const

/** A chain by its name; a base chain's first line says where it hooks in. */
export interface NftChain {
  readonly name: string
  readonly lines: readonly string[]
}

/**
 * One nft script, and so one transaction: the table of that TUN, replaced where it is there already. An empty table is
 * declared first since deleting one that does not exist is an error.
 */
export function renderTable(
  tun: string,
  counters: readonly string[],
  sets: readonly string[],
  chains: readonly NftChain[],
): string {
  const table = `table inet ${nftTableName(tun)}`
  const body = [
    ...counters.map((name) => `counter ${name} { }`),
    ...sets,
    ...chains.flatMap(({ name, lines }) => ['', `chain ${name} {`, ...lines.map((line) => `\t${line}`), '}']),
  ]
  return [
    table,
    `delete ${table}`,
    `${table} {`,
    ...body.map((line) => (line === '' ? '' : `\t${line}`)),
    '}',
    '',
  ].join('\n')
}

/** A set of addresses, `NAME4` or `NAME6`. Overlapping elements are merged; an empty one matches nothing. */
export function renderSet(name: string, family: 4 | 6, cidrs: readonly string[]): string {
  const elements = cidrs.length === 0 ? '' : ` elements = { ${cidrs.join(', ')} };`
  return `set ${name}${family} { type ipv${family}_addr; flags interval; auto-merge;${elements} }`
}

/** Lines that make the set hold those and no other. */
export function refillSet(tun: string, name: string, family: 4 | 6, cidrs: readonly string[]): string[] {
  const set = `inet ${nftTableName(tun)} ${name}${family}`
  return [`flush set ${set}`, ...(cidrs.length === 0 ? [] : [`add element ${set} { ${cidrs.join(', ')} }`])]
}

/** `ip saddr` or `ip6 daddr`. */
export function addressMatch(family: 4 | 6, end: 'saddr' | 'daddr'): string {
  return `${IP_HEADER[family]} ${end}`
}

/**
 * A packet of a connection whose first packet has passed all rules and was answered: conntrack vouches for both its ends. It
 * comes before the rules that look up sets, since nearly every packet is one. Connections go on when rules are replaced.
 */
export const ESTABLISHED = 'ct state established ct direction original accept'

export function countedDrop(counter: string): string {
  return `counter name ${counter} drop`
}

/**
 * Conntrack ties such a packet to no connection and translates none of its addresses. The receiver would not know it; delivered
 * here, it is answered with RST by a stack that knows nothing of the connection, which ends it.
 */
export const INVALID = `ct state invalid ${countedDrop('conntrack_invalid')}`

/** ICMP errors that conntrack found to quote a packet of a connection it knows. */
export function relatedErrors(family: 4 | 6): string {
  return `ct state related ${ICMP_ERRORS[family]}`
}

/**
 * Transfer addresses live on the TUN and nowhere else: what names one on another interface is forged or astray. Before
 * conntrack, which knows no interfaces and would take it for part of a connection.
 */
export function guardChain(tun: string, families: readonly FamilyPlan[]): NftChain {
  return {
    name: 'guard',
    lines: [
      'type filter hook prerouting priority raw; policy accept;',
      `iifname { "lo", "${tun}" } accept`,
      ...families.flatMap(({ family, transferNetwork }) =>
        (['saddr', 'daddr'] as const).map(
          (end) =>
            `${addressMatch(family, end)} ${transferNetwork} ${countedDrop('transfer_address_astray')}`,
        ),
      ),
    ],
  }
}

/**
 * What is for the other side leaves by the TUN or not at all: not in clear by a default route either, when somebody has deleted
 * our routes and what stands behind them. Behind forward and output, and all DNAT.
 *
 * @param lines judge what leaves by another interface and is not for a transfer address
 */
export function leavingChain(
  tun: string,
  families: readonly FamilyPlan[],
  lines: readonly string[] = [],
): NftChain {
  return {
    name: 'leaving',
    lines: [
      'type filter hook postrouting priority filter; policy accept;',
      `oifname { "lo", "${tun}" } accept`,
      ...families.map(
        ({ family, transferNetwork }) =>
          `${addressMatch(family, 'daddr')} ${transferNetwork} ${countedDrop('beside_tunnel')}`,
      ),
      ...lines,
    ],
  }
}

/**
 * Lines of the forward chain that keep TCP segments of forwarded connections, in either direction, within the narrower of
 * the two routes. Sockets of this machine know the TUN's MTU themselves.
 */
export function clampLines(tun: string): string[] {
  return ['iifname', 'oifname'].map(
    (end) => `${end} "${tun}" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`,
  )
}

/**
 * First line of the output chain: the kernel reports its IPv6 multicast groups on every link. Nobody listens on this one,
 * and it would blur what the counters tell.
 */
export function silenceLine(tun: string): string {
  return `oifname "${tun}" ip6 daddr ff02::/16 drop`
}
