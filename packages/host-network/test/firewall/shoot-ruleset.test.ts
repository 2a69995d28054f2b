import type { ShootNetworkPlan } from '@reversed-vpn/host-network'
import { renderShootRuleset, resolveShootPlan, SHOOT_DROP_COUNTERS } from '@reversed-vpn/host-network/testing'
import t from 'tap'
import { chainOf } from './ruleset-text.js'

const PLAN: ShootNetworkPlan = {
  tun: 'vpn0',
  mtu: 1500,
  seedAddresses: ['192.168.123.1/24', 'fd8f::1/112'],
  shootAddresses: ['192.168.123.2/24', 'fd8f::2/112'],
  networks: { pod: ['10.0.0.0/16', 'fd01::/64'], service: ['10.96.0.0/16'], node: ['172.16.0.0/24'] },
  ownPorts: [15_001, 15_003],
}
const render = (change: Partial<ShootNetworkPlan> = {}) =>
  renderShootRuleset(resolveShootPlan({ ...PLAN, ...change }))
const RULESET = render()

t.test('judges the destination before anyone’s DNAT', async (t) => {
  t.same(chainOf(RULESET, 'prerouting'), [
    'type filter hook prerouting priority dstnat - 10; policy accept;',
    'iifname "vpn0" jump from_seed',
  ])
})

t.test('takes one source, and reports on its answers from any', async (t) => {
  t.same(chainOf(RULESET, 'from_seed'), [
    'ip saddr 192.168.123.1 ct state established ct direction original accept',
    'ip6 saddr fd8f::1 ct state established ct direction original accept',
    'ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } goto destinations',
    'ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } goto destinations',
    'ip saddr 192.168.123.1 goto destinations',
    'ip6 saddr fd8f::1 goto destinations',
    'counter name source_not_seed drop',
  ])
})

t.test('delivers locally on node addresses, never to own ports', async (t) => {
  t.same(chainOf(RULESET, 'local_from_seed'), [
    'meta l4proto { tcp, udp } th dport { 15001, 15003 } counter name local_own_port drop',
    'fib daddr type != local counter name local_not_node drop',
    'ct state invalid counter name conntrack_invalid drop',
    'ip daddr @refused4 counter name destination_refused drop',
    'ip daddr @nodes4 accept',
    'ip6 daddr @refused6 counter name destination_refused drop',
    'ip6 daddr @nodes6 accept',
    'counter name local_not_node drop',
  ])
  // IPv6 has no node network here, and so no local delivery.
  t.match(RULESET, 'set nodes6 { type ipv6_addr; flags interval; auto-merge; }')
  t.notMatch(render({ ownPorts: [] }), 'dport')
})

t.test('forwards to any interface but back, or to the one that is named', async (t) => {
  t.same(chainOf(RULESET, 'forward_from_seed'), [
    'oifname "vpn0" counter name back_into_tunnel drop',
    'ct state established ct direction original accept',
    'ct state invalid counter name conntrack_invalid drop',
    'goto destinations',
  ])
  t.same(chainOf(render({ egressInterface: 'eth1' }), 'forward_from_seed'), [
    'oifname "vpn0" counter name back_into_tunnel drop',
    'oifname != "eth1" counter name egress_interface_other drop',
    'ct state established ct direction original accept',
    'ct state invalid counter name conntrack_invalid drop',
    'goto destinations',
  ])
})

t.test('lets no segment that is of no connection reach a stack that would answer it with RST', async (t) => {
  t.same(chainOf(RULESET, 'input').slice(1), [
    'iifname "vpn0" jump local_from_seed',
    'ip saddr @networks4 meta l4proto tcp ct state invalid counter name conntrack_invalid drop',
    'ip6 saddr @networks6 meta l4proto tcp ct state invalid counter name conntrack_invalid drop',
  ])
  t.equal(chainOf(RULESET, 'to_seed').at(-2), 'ct state invalid counter name conntrack_invalid drop')
})

t.test('sends answers alone into the TUN', async (t) => {
  const errors4 = 'icmp type { destination-unreachable, time-exceeded, parameter-problem }'
  t.same(chainOf(RULESET, 'to_seed').slice(0, 2), [
    'ip daddr 192.168.123.1 ct direction reply ct state established accept',
    `ip daddr 192.168.123.1 ct direction reply ct state related ${errors4} accept`,
  ])
  t.equal(chainOf(RULESET, 'to_seed').at(-1), 'counter name to_seed_not_reply drop')
  t.equal(chainOf(RULESET, 'output').at(-1), 'oifname "vpn0" jump to_seed')
  t.equal(chainOf(RULESET, 'forward').at(-1), 'oifname "vpn0" jump to_seed')
})

t.test('masquerades what came from the seed, and only when it leaves', async (t) => {
  t.same(chainOf(RULESET, 'postrouting').slice(1), [
    'oifname != "vpn0" ip saddr 192.168.123.1 masquerade',
    'oifname != "vpn0" ip6 saddr fd8f::1 masquerade',
  ])
})

t.test('accepts transfer addresses from the TUN alone', async (t) => {
  t.same(chainOf(RULESET, 'guard').slice(1), [
    'iifname { "lo", "vpn0" } accept',
    'ip saddr 192.168.123.0/24 counter name transfer_address_astray drop',
    'ip daddr 192.168.123.0/24 counter name transfer_address_astray drop',
    'ip6 saddr fd8f::/112 counter name transfer_address_astray drop',
    'ip6 daddr fd8f::/112 counter name transfer_address_astray drop',
  ])
})

t.test('declares the counters it names, and no other', async (t) => {
  const ruleset = render({ egressInterface: 'eth1' })
  const declared = [...ruleset.matchAll(/^\tcounter (\w+) \{/gm)].map((match) => match[1])
  const named = [...ruleset.matchAll(/counter name (\w+)/g)].map((match) => match[1])
  t.same(declared, SHOOT_DROP_COUNTERS)
  t.same(new Set(named), new Set(declared))
})
