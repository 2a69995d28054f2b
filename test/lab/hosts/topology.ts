/** An address of either family, without prefix length. */
export interface AddressPair {
  readonly ipv4: string
  readonly ipv6: string
}

export const HOST_NAMES = ['caller', 'seed', 'internet', 'gateway', 'node', 'node2', 'pod1', 'pod2'] as const
export type HostName = (typeof HOST_NAMES)[number]

/** One end of a cable: `address` with prefix length 24 for IPv4 and 64 for IPv6 unless the link says otherwise. */
export interface LinkEnd extends AddressPair {
  readonly host: HostName
  readonly device: string
}

interface Link {
  readonly ends: readonly [LinkEnd, LinkEnd]
  readonly prefix4?: number
}

/** The shoot's networks, as Gardener lays them out, and the transfer network of the tunnel. */
export const NETWORKS = {
  pod: { ipv4: '100.96.0.0/11', ipv6: 'fd00:10:96::/48' },
  service: { ipv4: '100.64.0.0/13', ipv6: 'fd00:10:64::/112' },
  node: { ipv4: '10.250.0.0/16', ipv6: 'fd00:10:250::/64' },
  vpn: { ipv4: '192.168.123.0/24', ipv6: 'fd8f:6d53:b97a:1::/112' },
} as const

/** One service in front of port 80 of both pods. */
export const SERVICE = { ipv4: '100.64.0.80', ipv6: 'fd00:10:64::80', port: 80 } as const

/** What the world knows a host by; other addresses it has are in `LINKS`. */
export const ADDRESSES: Readonly<Record<HostName, AddressPair>> = {
  caller: { ipv4: '10.10.1.2', ipv6: 'fd00:a:1::2' },
  seed: { ipv4: '192.0.2.10', ipv6: '2001:db8:1::10' },
  internet: { ipv4: '192.0.2.1', ipv6: '2001:db8:1::1' },
  gateway: { ipv4: '198.51.100.10', ipv6: '2001:db8:2::10' },
  node: { ipv4: '10.250.0.2', ipv6: 'fd00:10:250::2' },
  node2: { ipv4: '10.250.0.3', ipv6: 'fd00:10:250::3' },
  pod1: { ipv4: '100.96.1.2', ipv6: 'fd00:10:96:1::2' },
  pod2: { ipv4: '100.96.2.2', ipv6: 'fd00:10:96:2::2' },
}

/** The node's address on the internet, behind which its shoot hides. */
export const NODE_PUBLIC: AddressPair = { ipv4: '203.0.113.10', ipv6: '2001:db8:3::10' }

const SEED_CONTROL: AddressPair = { ipv4: '10.10.1.1', ipv6: 'fd00:a:1::1' }

/** The shoot's path to the internet, and so to the seed. */
export const WAN_LINK: Link = link(
  end('node', 'wan0', NODE_PUBLIC),
  end('internet', 'node0', { ipv4: '203.0.113.1', ipv6: '2001:db8:3::1' }),
)

//   caller ── seed ── internet ── node ── pod1, pod2, node2
//                        └─ gateway
export const LINKS: readonly Link[] = [
  link(end('caller', 'eth0', ADDRESSES.caller), end('seed', 'control0', SEED_CONTROL)),
  link(end('seed', 'wan0', ADDRESSES.seed), end('internet', 'seed0', ADDRESSES.internet)),
  link(
    end('gateway', 'wan0', ADDRESSES.gateway),
    end('internet', 'gateway0', { ipv4: '198.51.100.1', ipv6: '2001:db8:2::1' }),
  ),
  WAN_LINK,
  link(
    end('node', 'pod1', { ipv4: '100.96.1.1', ipv6: 'fd00:10:96:1::1' }),
    end('pod1', 'eth0', ADDRESSES.pod1),
  ),
  link(
    end('node', 'pod2', { ipv4: '100.96.2.1', ipv6: 'fd00:10:96:2::1' }),
    end('pod2', 'eth0', ADDRESSES.pod2),
  ),
  { ...link(end('node', 'nodes0', ADDRESSES.node), end('node2', 'eth0', ADDRESSES.node2)), prefix4: 16 },
]

export const DEFAULT_ROUTES: Readonly<Partial<Record<HostName, AddressPair>>> = {
  caller: SEED_CONTROL,
  seed: ADDRESSES.internet,
  gateway: { ipv4: '198.51.100.1', ipv6: '2001:db8:2::1' },
  node: { ipv4: '203.0.113.1', ipv6: '2001:db8:3::1' },
  node2: ADDRESSES.node,
  pod1: { ipv4: '100.96.1.1', ipv6: 'fd00:10:96:1::1' },
  pod2: { ipv4: '100.96.2.1', ipv6: 'fd00:10:96:2::1' },
}

export const ROUTERS: readonly HostName[] = ['seed', 'internet', 'node']

/** `/etc/hosts` of every host: they know each other by name, and nobody asks the machine's DNS server. */
export function hostsFile(): string {
  const aliases: Partial<Record<HostName, string>> = {
    seed: 'vpn-seed-server vpn-seed-server.shoot--lab.svc.cluster.local',
  }
  const lines = HOST_NAMES.flatMap((name) => {
    const names = [name, aliases[name]].filter(Boolean).join(' ')
    return [`${ADDRESSES[name].ipv4} ${names}`, `${ADDRESSES[name].ipv6} ${names}`]
  })
  return ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n')
}

function link(left: LinkEnd, right: LinkEnd): Link {
  return { ends: [left, right] }
}

function end(host: HostName, device: string, address: AddressPair): LinkEnd {
  return { host, device, ...address }
}
