import { mustRunCommand } from '@reversed-vpn/test/lab'
import type { World } from './world.js'

export const SEED = {
  address: '203.0.113.10',
  nodes: '203.0.113.0/24',
  /** What the cloud hands out to Services of type LoadBalancer. */
  loadBalancer: '203.0.113.100',
  pods: '10.1.0.0/16',
  services: '10.2.0.0/16',
  kubernetesService: '10.2.0.1',
} as const

export const SHOOT = {
  pods: '100.96.0.0/16',
  services: '100.64.0.0/16',
  kubernetesService: '100.64.0.1',
  nodes: '10.250.0.0/16',
  router: '10.250.0.1',
  /** What the internet sees of it. */
  publicAddress: '198.51.100.2',
} as const

const OPERATOR_ADDRESS = '192.0.2.10'
/** Asked by all but the pods of the seed. */
export const PUBLIC_DNS = '192.0.2.1'

const INTERNET = ['203.0.113.1/24', '198.51.100.1/24', '192.0.2.1/24'] as const
const MAX_NODES = 2

export interface NodePlace {
  readonly name: string
  readonly address: string
  readonly podNetwork: string
}

/** The nodes that stand in the shoot, the first of which is enough for most. */
export const SHOOT_NODES: readonly NodePlace[] = Array.from({ length: MAX_NODES }, (_, index) => ({
  name: `worker${index + 1}`,
  address: `10.250.0.${10 + index}`,
  podNetwork: `100.96.${index}.0/24`,
}))

/**
 *   seed ── internet ── nat ── worker1
 *              │          └─── worker2
 *           operator
 *
 * The internet knows no way to any private network, and nobody can dial through the nat.
 */
export async function buildTopology(world: World): Promise<void> {
  const workers = SHOOT_NODES.map(({ name }) => name)
  const names = ['internet', 'seed', 'operator', 'nat', ...workers]
  await world.ip(names.map((name) => `netns add ${world.netnsOf(name)}`))
  await world.ip([
    cable(world, ['internet', 'seed'], ['seed', 'wan0']),
    cable(world, ['internet', 'nat'], ['nat', 'wan0']),
    cable(world, ['internet', 'operator'], ['operator', 'wan0']),
    ...workers.map((name) => cable(world, ['nat', name], [name, 'wan0'])),
  ])
  await Promise.all([
    world.ip(
      ['lo', 'seed', 'nat', 'operator']
        .map((device) => `link set ${device} up`)
        .concat(
          ['seed', 'nat', 'operator'].map((device, index) => `addr add ${INTERNET[index]} dev ${device}`),
          ['route add unreachable 10.0.0.0/8', 'route add unreachable 100.64.0.0/10'],
        ),
      'internet',
    ),
    world.ip(
      hostLines(`${SEED.address}/24`, '203.0.113.1').concat(`addr add ${SEED.loadBalancer}/32 dev lo`),
      'seed',
    ),
    world.ip(hostLines(`${OPERATOR_ADDRESS}/24`, '192.0.2.1'), 'operator'),
    world.ip(natLines(workers), 'nat'),
    ...SHOOT_NODES.map(({ name, address }) => world.ip(workerLines(name, address), name)),
  ])
  await Promise.all(names.map((name) => setSysctls(world, name)))
  await Promise.all([
    nft(world, 'seed', masquerade([SEED.pods, SEED.services, SEED.nodes], SEED.pods)),
    nft(world, 'nat', natRules()),
    ...workers.map((name) =>
      nft(world, name, masquerade([SHOOT.pods, SHOOT.services, SHOOT.nodes], SHOOT.pods)),
    ),
  ])
}

function cable(world: World, left: readonly [string, string], right: readonly [string, string]): string {
  const end = ([name, device]: readonly [string, string]) => `name ${device} netns ${world.netnsOf(name)}`
  return `link add ${end([left[0], left[1]])} type veth peer ${end(right)}`
}

function hostLines(address: string, gateway: string): string[] {
  return [
    'link set lo up',
    `addr add ${address} dev wan0`,
    'link set wan0 up',
    `route add default via ${gateway}`,
  ]
}

function natLines(workers: readonly string[]): string[] {
  return [
    ...hostLines(`${SHOOT.publicAddress}/24`, '198.51.100.1'),
    'link add lan0 type bridge',
    `addr add ${SHOOT.router}/16 dev lan0`,
    'link set lan0 up',
    ...workers.flatMap((name) => [`link set ${name} master lan0`, `link set ${name} up`]),
  ]
}

/** Pods of the other nodes are behind those. */
function workerLines(name: string, address: string): string[] {
  const others = SHOOT_NODES.filter((node) => node.name !== name)
  return [
    ...hostLines(`${address}/16`, SHOOT.router),
    ...others.map((node) => `route add ${node.podNetwork} via ${node.address}`),
  ]
}

async function setSysctls(world: World, name: string): Promise<void> {
  const values = [
    `net.ipv4.ip_forward=${name === 'operator' ? 0 : 1}`,
    // Bridged frames are no business of a node's firewall.
    'net.bridge.bridge-nf-call-iptables=0',
  ]
  await mustRunCommand('ip', ['netns', 'exec', world.netnsOf(name), 'sysctl', '-q', '-e', '-w', ...values])
}

async function nft(world: World, name: string, ruleset: string): Promise<void> {
  await mustRunCommand('ip', ['netns', 'exec', world.netnsOf(name), 'nft', '-f', '-'], { input: ruleset })
}

/** Pods have the address of their node wherever they are not known. */
function masquerade(known: readonly string[], pods: string): string {
  return `table ip pods {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${pods} ip daddr != { ${known.join(', ')} } masquerade
  }
}
`
}

function natRules(): string {
  return `table ip nat_router {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "wan0" ct state != { established, related } drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan0" masquerade
  }
}
`
}
