import type { Host } from './host.js'
import { mustRunCommand } from './run-command.js'
import {
  ADDRESSES,
  type AddressPair,
  DEFAULT_ROUTES,
  HOST_NAMES,
  type HostName,
  LINKS,
  type LinkEnd,
  NETWORKS,
  ROUTERS,
  SERVICE,
} from './topology.js'

const TX_QUEUE_PACKETS = 1000

export type Hosts = Readonly<Record<HostName, Host>>

/** Makes namespaces, cables, addresses, routes and the node's firewall. Half of it may exist when it throws. */
export async function buildTopology(hosts: Hosts): Promise<void> {
  await mustRunCommand('ip', ['-batch', '-'], {
    input: HOST_NAMES.map((name) => `netns add ${hosts[name].netns}\n`).join(''),
  })
  // Before the first link comes up, or its IPv6 address is tentative for a second.
  await Promise.all(HOST_NAMES.map((name) => setSysctls(hosts[name])))
  // Both ends are made where they belong: no name of ours ever shows in the machine's own namespace.
  const cables = LINKS.map(({ ends: [left, right] }) => {
    const near = `name ${left.device} txqueuelen ${TX_QUEUE_PACKETS} netns ${hosts[left.host].netns}`
    const far = `name ${right.device} txqueuelen ${TX_QUEUE_PACKETS} netns ${hosts[right.host].netns}`
    return `link add ${near} type veth peer ${far}\n`
  })
  await mustRunCommand('ip', ['-batch', '-'], { input: cables.join('') })
  await Promise.all(HOST_NAMES.map((name) => hosts[name].ip(linkLines(name))))
  // Once every link is up: an IPv6 route needs a gateway that is reachable.
  await Promise.all(HOST_NAMES.map((name) => hosts[name].ip(routeLines(name))))
  await hosts.node.nft(nodeRuleset())
}

async function setSysctls(host: Host): Promise<void> {
  const forwarding = ROUTERS.includes(host.name) ? 1 : 0
  await host.mustRun('sysctl', [
    '-q',
    '-w',
    'net.ipv6.conf.all.accept_dad=0',
    'net.ipv6.conf.default.accept_dad=0',
    'net.ipv6.conf.default.accept_ra=0',
    'net.ipv6.conf.default.router_solicitations=0',
    `net.ipv4.ip_forward=${forwarding}`,
    `net.ipv6.conf.all.forwarding=${forwarding}`,
    `net.ipv6.conf.default.forwarding=${forwarding}`,
  ])
}

function linkLines(name: HostName): string[] {
  const ends = LINKS.flatMap((link) =>
    link.ends.filter((end) => end.host === name).map((end): [LinkEnd, number] => [end, link.prefix4 ?? 24]),
  )
  return [
    'link set lo up',
    ...ends.flatMap(([end, prefix4]) => [
      `addr add ${end.ipv4}/${prefix4} dev ${end.device}`,
      `addr add ${end.ipv6}/64 dev ${end.device} nodad`,
      `link set ${end.device} up`,
    ]),
  ]
}

function routeLines(name: HostName): string[] {
  const gateway: AddressPair | undefined = DEFAULT_ROUTES[name]
  return gateway === undefined
    ? []
    : [`route add default via ${gateway.ipv4}`, `route add default via ${gateway.ipv6}`]
}

/**
 * The node's own firewall: a NAT router towards the internet, which nobody can dial into, and a service as kube-proxy
 * makes one. The chains `direct` and `direct_nat` are empty until `routeDirectly`.
 */
function nodeRuleset(): string {
  const choose = (pods: readonly [string, string]) =>
    `numgen random mod 2 map { 0 : ${pods[0]}, 1 : ${pods[1]} }`
  const service = [
    `ip daddr ${SERVICE.ipv4} tcp dport ${SERVICE.port} dnat ip to ${choose([ADDRESSES.pod1.ipv4, ADDRESSES.pod2.ipv4])}`,
    `ip6 daddr ${SERVICE.ipv6} tcp dport ${SERVICE.port} dnat ip6 to ${choose([ADDRESSES.pod1.ipv6, ADDRESSES.pod2.ipv6])}`,
  ].join('\n    ')
  return `
table inet lab {
  chain direct {
  }
  chain direct_nat {
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "wan0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname "wan0" jump direct
    iifname "wan0" ct state != { established, related } drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "wan0" jump direct
    iifname "wan0" ct state != { established, related } drop
    ip daddr ${NETWORKS.service.ipv4} reject
    ip6 daddr ${NETWORKS.service.ipv6} reject
  }
  chain services {
    ${service}
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan0" masquerade
    jump direct_nat
  }
}
`
}
