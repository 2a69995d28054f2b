import { formatEndpoint, type TcpEndpoint } from '@reversed-vpn/daemon'
import type { Knock } from '@reversed-vpn/egress-proxy'
import { formatAddress, parseCidr, type ShootNetworks, type TransferAddress } from '@reversed-vpn/ip'
import { egressNetworks } from '../egress-networks.js'

/** What is probed, and what it is called. */
export interface ProbeTarget {
  /** Value of the label `target`: `path-ipv4`, `path-ipv6`, or what `--probe-target` says. */
  readonly name: string
  /** Whether it is for the shoot side's kernel to answer, whatever is behind it. */
  readonly wantsReport: boolean
  /** Each will do, in the order to try them; empty where the shoot has no network of that family. */
  knocks(networks: ShootNetworks): readonly Knock[]
}

/** `discard`: nobody needs to listen there. */
const PORT = 9

/**
 * The targets of a seed-server: the path itself, once for each family, and those that were named.
 *
 * The path is probed by a connection whose packets no router passes on: the shoot side's kernel, the first one behind the
 * tunnel, answers with ICMP "time exceeded", where the address leads and whether anybody has it makes no difference.
 */
export function probeTargets(
  transfer: readonly TransferAddress[],
  named: readonly TcpEndpoint[],
): readonly ProbeTarget[] {
  const transferNetworks = transfer.map(({ network }) => network)
  return [
    ...transfer.map(({ family }) => ({
      name: `path-ipv${family}`,
      wantsReport: true,
      knocks: (networks: ShootNetworks) => pathKnocks(family, networks, transferNetworks),
    })),
    ...named.map((target) => ({
      name: formatEndpoint(target),
      wantsReport: false,
      knocks: () => [{ address: target.host, port: target.port }],
    })),
  ]
}

/** An address in each network of the family: a host's own routes may throw away what is for one of them. */
function pathKnocks(family: 4 | 6, networks: ShootNetworks, transferNetworks: readonly string[]): Knock[] {
  const { allowed, refused } = egressNetworks(networks, transferNetworks)
  return [...networks.node, ...networks.service, ...networks.pod]
    .map(parseCidr)
    .filter((cidr) => cidr.family === family)
    .map(({ first, last }) => formatAddress({ family, value: first === last ? first : first + 1n }))
    .filter((address) => allowed.has(address) && !refused.has(address))
    .map((address) => ({ address, port: PORT, hopLimit: 1 }))
}
