import {
  markOf,
  markOn,
  parseMark,
  renderMark,
  type SetupMark,
  type TunLink,
  wantSeedNetwork,
  wantShootNetwork,
} from '@reversed-vpn/host-network/testing'
import t from 'tap'

const PLAN = {
  tun: 'vpn0',
  mtu: 1500,
  seedAddresses: ['192.168.123.1/24', 'fd8f::1/112'],
  shootAddresses: ['192.168.123.2/24', 'fd8f::2/112'],
  networks: {
    pod: ['10.0.0.0/16', '10.2.0.0/16'],
    service: ['10.96.0.0/16'],
    node: ['172.16.0.0/24', 'fd03::/64'],
  },
}
const SHOOT = { ...PLAN, egressInterface: 'eth0', ownPorts: [15001, 4314] }
const MARK: SetupMark = {
  side: 'shoot',
  uid: 65_532,
  gid: 0,
  accepts: ['checksum', 'tso4', 'tso6'],
  plan: markOf(wantShootNetwork(SHOOT)),
}
/** `IFALIASZ` of linux/if.h, of which the last is NUL. */
const LONGEST_ALIAS = 255

t.test('is read as it was written, with a group and without, finished or not', async (t) => {
  const { plan: _, gid: __, ...unfinished } = MARK
  for (const mark of [MARK, { ...MARK, side: 'seed' as const, accepts: [] }, unfinished]) {
    t.strictSame(parseMark(renderMark(mark)), mark, renderMark(mark))
  }
})

t.test('fits into an alias, however much there is to tell', async (t) => {
  const networks = Array.from({ length: 200 }, (_, index) => `10.${index}.0.0/16`)
  const plan = {
    ...SHOOT,
    networks: { pod: networks, service: [], node: networks },
    ownPorts: [65_534, 65_535],
  }
  const longest = { ...MARK, uid: 2 ** 32 - 2, gid: 2 ** 32 - 2, plan: markOf(wantShootNetwork(plan)) }
  const { length } = renderMark({ ...longest, plan: { ...longest.plan, egress: 'a-name-of-15-by' } })
  t.ok(length <= LONGEST_ALIAS, `${length} bytes`)
  const seed = markOf(wantSeedNetwork({ ...PLAN, routedFrom: networks }))
  t.ok(renderMark({ ...longest, side: 'seed', plan: seed }).length <= LONGEST_ALIAS)
})

t.test('of a version that did not know about sources is read as one with none', async (t) => {
  const plan = markOf(wantSeedNetwork(PLAN))
  const mark: SetupMark = { side: 'seed', uid: 1, accepts: [], plan }
  t.strictSame(parseMark(renderMark(mark).replace(' routed=', '')), mark)
})

t.test('is not found where setup has not been', async (t) => {
  const link: TunLink = {
    isTun: true,
    isUp: true,
    mtu: 1500,
    txQueueLength: 500,
    queues: 0,
    alias: renderMark(MARK),
    addresses: [],
  }
  t.strictSame(markOn(link), MARK)
  t.equal(markOn({ ...link, isTun: false }), undefined, 'on an interface of another kind')
  t.equal(markOn(undefined), undefined)
  for (const alias of [
    undefined,
    '',
    'uplink to rack 4',
    'reversed-vpn-setup',
    'reversed-vpn-setup side=left',
  ]) {
    t.equal(markOn({ ...link, alias }), undefined, `on one with the alias ${alias}`)
  }
})

t.test('is the same in whatever order networks and ports are given', async (t) => {
  const { pod, service, node } = PLAN.networks
  const networks = { pod: pod.toReversed(), service, node: node.toReversed() }
  t.strictSame(markOf(wantSeedNetwork({ ...PLAN, networks })), markOf(wantSeedNetwork(PLAN)))
  const routedFrom = ['eth1', '10.10.0.0/16', 'eth0', 'fd00::/8']
  t.strictSame(
    markOf(wantSeedNetwork({ ...PLAN, routedFrom: routedFrom.toReversed() })),
    markOf(wantSeedNetwork({ ...PLAN, routedFrom })),
  )
  const other = { ...SHOOT, networks, ownPorts: [4314, 15001, 4314] }
  t.strictSame(markOf(wantShootNetwork(other)), MARK.plan)
})

t.test('is another one for whatever makes another firewall', async (t) => {
  const { networks } = PLAN
  const seed = markOf(wantSeedNetwork(PLAN))
  const others = {
    networks: wantShootNetwork({ ...SHOOT, networks: { ...networks, pod: ['10.0.0.0/16'] } }),
    egress: wantShootNetwork({ ...SHOOT, egressInterface: 'auto' }),
    ports: wantShootNetwork({ ...SHOOT, ownPorts: [15001] }),
  }
  for (const [field, wanted] of Object.entries(others)) {
    const mark = markOf(wanted)
    t.not(mark[field as keyof typeof mark], MARK.plan?.[field as keyof typeof mark], field)
    t.not(mark.firewall, MARK.plan?.firewall, `firewall, with other ${field}`)
  }
  t.not(seed.firewall, MARK.plan?.firewall, 'the other side')
  for (const routedFrom of [['10.10.0.0/16'], ['eth0']]) {
    const { routed, firewall, ...rest } = markOf(wantSeedNetwork({ ...PLAN, routedFrom }))
    t.not(routed, seed.routed)
    t.not(firewall, seed.firewall)
    t.match(seed, rest, 'and in nothing else')
  }
  const moved = { ...networks, node: ['172.16.0.0/24'], service: [...networks.service, 'fd03::/64'] }
  t.not(
    markOf(wantShootNetwork({ ...SHOOT, networks: moved })).networks,
    MARK.plan?.networks,
    'no node any more',
  )
})
