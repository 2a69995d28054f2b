import { renderSeedRuleset, resolveSeedPlan, SEED_DROP_COUNTERS } from '@reversed-vpn/host-network/testing'
import t from 'tap'
import { chainOf } from './ruleset-text.js'

const PLAN = {
  tun: 'vpn0',
  mtu: 1500,
  seedAddresses: ['192.168.123.1/24', 'fd8f::1/112'],
  shootAddresses: ['192.168.123.2/24', 'fd8f::2/112'],
  networks: { pod: ['10.0.0.0/16', 'fd01::/64'], service: ['10.96.0.0/16'], node: [] },
}
const RULESET = renderSeedRuleset(resolveSeedPlan(PLAN))

t.test('replaces its table in the same transaction', async (t) => {
  t.same(RULESET.split('\n').slice(0, 3), [
    'table inet reversed_vpn_vpn0',
    'delete table inet reversed_vpn_vpn0',
    'table inet reversed_vpn_vpn0 {',
  ])
})

t.test('holds the networks of each family, and what is refused', async (t) => {
  t.match(
    RULESET,
    'set networks4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/16, 10.96.0.0/16 }; }',
  )
  t.match(RULESET, 'set networks6 { type ipv6_addr; flags interval; auto-merge; elements = { fd01::/64 }; }')
  t.match(RULESET, /set refused4 .*169\.254\.0\.0\/16.*192\.168\.123\.0\/24/)
  t.match(RULESET, /set refused6 .*fd00:ec2::254\/128.*fd8f::\/112/)
})

t.test('takes answers alone from the TUN', async (t) => {
  t.same(chainOf(RULESET, 'from_shoot'), [
    'ct state established ct direction reply accept',
    'ct direction reply ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
    'ct direction reply ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept',
    'ct state invalid counter name conntrack_invalid drop',
    'counter name from_shoot_not_reply drop',
  ])
  t.same(chainOf(RULESET, 'input').slice(1), ['iifname "vpn0" jump from_shoot'])
})

t.test('sends into the TUN what is for the networks alone', async (t) => {
  t.same(chainOf(RULESET, 'to_shoot'), [
    'ct state established ct direction original accept',
    'ip daddr @refused4 counter name to_shoot_refused drop',
    'ip daddr @networks4 accept',
    'ip6 daddr @refused6 counter name to_shoot_refused drop',
    'ip6 daddr @networks6 accept',
    'counter name to_shoot_not_allowed drop',
  ])
  t.same(chainOf(RULESET, 'output').at(-1), 'oifname "vpn0" jump to_shoot')
})

t.test('clamps segments before a forwarded packet is accepted', async (t) => {
  t.same(chainOf(RULESET, 'forward').slice(1), [
    'iifname "vpn0" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu',
    'oifname "vpn0" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu',
    'iifname "vpn0" jump from_shoot',
    'oifname "vpn0" ct state invalid counter name conntrack_invalid drop',
    'oifname "vpn0" jump routed_to_shoot',
  ])
})

t.test('forwards nothing into the TUN unless a source is named', async (t) => {
  t.match(RULESET, 'set routed4 { type ipv4_addr; flags interval; auto-merge; }')
  t.match(RULESET, 'set routed6 { type ipv6_addr; flags interval; auto-merge; }')
  t.equal(chainOf(RULESET, 'routed_to_shoot').at(-1), 'counter name to_shoot_source_not_allowed drop')
  const verdicts = chainOf(RULESET, 'routed_to_shoot').slice(0, -1)
  t.ok(verdicts.every((line) => /@routed[46] .*goto to_shoot$/.test(line)))
})

t.test(
  'forwards what comes from named sources, or by named interfaces, and errors about answers',
  async (t) => {
    const routedFrom = [
      'eth1',
      '10.10.0.0/24',
      'fd00:a::/64',
      'br-lan.7',
      '10.10.1.0/24',
      '::ffff:192.0.2.0/120',
      'eth1',
    ]
    const ruleset = renderSeedRuleset(resolveSeedPlan({ ...PLAN, routedFrom }))
    t.match(
      ruleset,
      'set routed4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.10.0.0/23, 192.0.2.0/24 }; }',
    )
    t.match(
      ruleset,
      'set routed6 { type ipv6_addr; flags interval; auto-merge; elements = { fd00:a::/64 }; }',
    )
    const errors4 = 'ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem }'
    const errors6 =
      'ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }'
    t.same(chainOf(ruleset, 'routed_to_shoot'), [
      'iifname "br-lan.7" goto to_shoot',
      'iifname "eth1" goto to_shoot',
      'ip saddr @routed4 goto to_shoot',
      `ct original ip saddr @routed4 ${errors4} goto to_shoot`,
      'ip6 saddr @routed6 goto to_shoot',
      `ct original ip6 saddr @routed6 ${errors6} goto to_shoot`,
      'counter name to_shoot_source_not_allowed drop',
    ])
  },
)

t.test('gives what it routes into the TUN the transfer address', async (t) => {
  t.same(chainOf(RULESET, 'postrouting').slice(1), [
    'oifname "vpn0" ip saddr != 192.168.123.1 snat ip to 192.168.123.1',
    'oifname "vpn0" ip6 saddr != fd8f::1 snat ip6 to fd8f::1',
  ])
})

t.test('declares the counters it names, and no other', async (t) => {
  const declared = [...RULESET.matchAll(/^\tcounter (\w+) \{/gm)].map((match) => match[1])
  const named = [...RULESET.matchAll(/counter name (\w+)/g)].map((match) => match[1])
  t.same(declared, SEED_DROP_COUNTERS)
  t.same(new Set(named), new Set(declared))
})

t.test('IPv4 alone drops all IPv6 of the TUN', async (t) => {
  const networks = { pod: ['10.0.0.0/16'], service: [], node: [] }
  const ruleset = renderSeedRuleset(resolveSeedPlan({ ...PLAN, networks }))
  t.same(
    ruleset.split('\n').filter((line) => /ip6|icmpv6/.test(line)),
    ['\t\toifname "vpn0" ip6 daddr ff02::/16 drop'],
  )
})
