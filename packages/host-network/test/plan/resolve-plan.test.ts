import { NetworkError, type ShootNetworkPlan } from '@reversed-vpn/host-network'
import { type LinkPlan, resolveSeedPlan, resolveShootPlan } from '@reversed-vpn/host-network/testing'
import t from 'tap'

const PLAN: LinkPlan = {
  tun: 'vpn0',
  mtu: 1500,
  seedAddresses: ['192.168.123.1/24', 'FD8F:6d53:b97a:1:0::1/112'],
  shootAddresses: ['192.168.123.2/24', 'fd8f:6d53:b97a:1::2/112'],
  networks: { pod: ['10.0.0.0/16', 'fd01::/64'], service: ['10.96.0.0/16'], node: ['10.0.0.0/16'] },
}

t.test('fills in defaults, and takes each network once', async (t) => {
  const plan = resolveShootPlan(PLAN)
  t.match(plan, { txQueueLength: 500, egressInterface: 'auto', ownPorts: [] })
  t.same(
    plan.families.map(({ networks }) => networks),
    [['10.0.0.0/16', '10.96.0.0/16'], ['fd01::/64']],
  )
  t.same(
    plan.families.map(({ nodeNetworks }) => nodeNetworks),
    [['10.0.0.0/16'], []],
  )
})

t.test('writes addresses as the kernel does', async (t) => {
  const [, family6] = resolveSeedPlan(PLAN).families
  t.match(family6, {
    seedAddress: 'fd8f:6d53:b97a:1::1',
    transferNetwork: 'fd8f:6d53:b97a:1::/112',
    prefixLength: 112,
  })
})

t.test('refuses the transfer network of its family', async (t) => {
  const [family4, family6] = resolveSeedPlan(PLAN).families
  t.ok(family4?.refused.includes('192.168.123.0/24'))
  t.ok(family4?.refused.includes('169.254.0.0/16'))
  t.ok(family6?.refused.includes('fd8f:6d53:b97a:1::/112'))
  t.notOk(family6?.refused.includes('169.254.0.0/16'))
})

t.test('leaves out a family without networks', async (t) => {
  const networks4 = { pod: ['10.0.0.0/16'], service: [], node: [] }
  const networks6 = { pod: ['fd01::/64'], service: [], node: [] }
  const families = (networks: LinkPlan['networks']) =>
    resolveSeedPlan({ ...PLAN, networks }).families.map(({ family }) => family)
  t.same(families(networks4), [4])
  t.same(families(networks6), [6])
})

t.test('sorts out where routed packets may come from', async (t) => {
  const sources = (...routedFrom: string[]) => resolveSeedPlan({ ...PLAN, routedFrom }).routedFrom
  t.strictSame(sources(), { interfaces: [], networks: { 4: [], 6: [] } })
  t.strictSame(sources('wg0', '10.1.0.0/16', '_a.1', 'FD00::/8', '0.0.0.0/0', 'wg0'), {
    interfaces: ['_a.1', 'wg0'],
    networks: { 4: ['0.0.0.0/0'], 6: ['fd00::/8'] },
  })
  for (const [source, message] of [
    ['10.0.0.1/8', /^source of routed packets: .*expected 10\.0\.0\.0\/8/],
    ['eth*', /^source of routed packets "eth\*" is not the name of an interface$/],
    ['eth0" accept', /^source of routed packets "eth0\\" accept"/],
    ['a-name-of-16-byt', /^source of routed packets/],
    ['', /^source of routed packets ""/],
  ] as const) {
    t.throws(() => sources(source), { code: 'ERR_NETWORK_PLAN_INVALID', message }, source)
  }
})

t.test('a plan that can’t be', async (t) => {
  const refused: [string, Partial<ShootNetworkPlan>, RegExp][] = [
    [
      'a network of every address',
      { networks: { ...PLAN.networks, pod: ['0.0.0.0/0'] } },
      /^pod network 0\.0\.0\.0\/0/,
    ],
    ['in IPv6 as well', { networks: { ...PLAN.networks, node: ['::/0'] } }, /^node network ::\/0/],
    [
      'host bits',
      { networks: { ...PLAN.networks, service: ['10.0.0.1/16'] } },
      /^service network: .*10\.0\.0\.0\/16/,
    ],
    ['no network at all', { networks: { pod: [], service: [], node: [] } }, /no network/],
    [
      'a family without transfer address',
      { seedAddresses: ['192.168.123.1/24'] },
      /IPv6 transfer address of the seed/,
    ],
    ['two of one family', { shootAddresses: ['10.9.0.2/24', '10.9.1.2/24', 'fd8f::2/112'] }, /has 2 IPv4/],
    [
      'two transfer networks',
      { shootAddresses: ['10.9.0.2/24', 'fd8f::2/112'] },
      /192\.168\.123\.1\/24 and 10\.9\.0\.2\/24/,
    ],
    ['one address for both', { shootAddresses: PLAN.seedAddresses }, /not two addresses/],
    ['an address without length', { seedAddresses: ['192.168.123.1'] }, /transfer address of the seed/],
    ['a name that is none', { tun: 'vpn0"; flush' }, /^TUN "vpn0\\"; flush"/],
    ['a name that is too long', { tun: 'abcdefghijklmnop' }, /^TUN/],
    ['a name with a meaning', { tun: 'all' }, /^TUN "all"/],
    ['an MTU too small for IPv6', { mtu: 1279 }, /^MTU is 1279, expected 1280 to 65535/],
    ['an egress interface', { egressInterface: 'eth 0' }, /^egress interface "eth 0"/],
    ['a port', { ownPorts: [70_000] }, /^own port is 70000, expected 1 to 65535/],
  ]
  for (const [title, change, message] of refused) {
    await t.test(title, async (t) => {
      t.throws(() => resolveShootPlan({ ...PLAN, ...change }), { code: 'ERR_NETWORK_PLAN_INVALID', message })
    })
  }
  t.throws(() => resolveSeedPlan({ ...PLAN, mtu: 575 }), NetworkError)
})
