import type { Hosts } from './build-topology.js'
import { ADDRESSES, NETWORKS, NODE_PUBLIC } from './topology.js'

const SHOOT_NETWORKS = [NETWORKS.pod, NETWORKS.service, NETWORKS.node]

/**
 * Lets the caller reach the shoot with plain routes: caller, seed, internet, node, pod. The seed masquerades what it
 * sends out and the node what it forwards into the shoot, as they do with a tunnel between them. Returns a function that undoes it.
 */
export async function openDirectRoute(hosts: Hosts): Promise<() => Promise<void>> {
  await hosts.node.nft(
    'add rule inet lab direct accept\nadd rule inet lab direct_nat iifname "wan0" masquerade\n',
  )
  await hosts.seed.nft(
    `table inet lab_direct {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan0" masquerade
  }
}
`,
  )
  await hosts.internet.ip(routeLines('add', NODE_PUBLIC))
  await hosts.seed.ip(routeLines('add', ADDRESSES.internet))
  return async () => {
    await hosts.seed.ip(routeLines('del', ADDRESSES.internet))
    await hosts.internet.ip(routeLines('del', NODE_PUBLIC))
    await hosts.seed.nft('delete table inet lab_direct\n')
    await hosts.node.nft('flush chain inet lab direct\nflush chain inet lab direct_nat\n')
  }
}

function routeLines(
  verb: 'add' | 'del',
  gateway: { readonly ipv4: string; readonly ipv6: string },
): string[] {
  return SHOOT_NETWORKS.flatMap(({ ipv4, ipv6 }) => [
    `route ${verb} ${ipv4} via ${gateway.ipv4}`,
    `route ${verb} ${ipv6} via ${gateway.ipv6}`,
  ])
}
