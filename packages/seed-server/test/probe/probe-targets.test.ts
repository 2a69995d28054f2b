import { transferAddressOf } from '@reversed-vpn/ip'
import { probeTargets } from '@reversed-vpn/seed-server/testing'
import t from 'tap'

const BOTH = ['192.168.123.0/24', 'fd8f:6d53:b97a:1::/112'].map((network) =>
  transferAddressOf(network, 'seed'),
)

/** What is dialled for each family. */
function knocksOf(networks: Parameters<ReturnType<typeof probeTargets>[number]['knocks']>[0]) {
  return probeTargets(BOTH, []).map(({ name, knocks }) => [
    name,
    knocks(networks).map(({ address }) => address),
  ])
}

t.test('the path has an address in each network of the family, that of nodes first', (t) => {
  const networks = {
    pod: ['100.96.0.0/11', 'fd00:10:96::/48'],
    service: ['100.64.0.0/13'],
    node: ['10.250.0.0/16', '10.251.0.7/32'],
  }
  t.strictSame(knocksOf(networks), [
    ['path-ipv4', ['10.250.0.1', '10.251.0.7', '100.64.0.1', '100.96.0.1']],
    ['path-ipv6', ['fd00:10:96::1']],
  ])
  t.end()
})

t.test('nothing is sent where no caller may go', (t) => {
  t.strictSame(knocksOf({ pod: [], service: [], node: ['169.254.0.0/16', '192.168.123.0/24'] }), [
    ['path-ipv4', []],
    ['path-ipv6', []],
  ])
  t.end()
})

t.test('its packets end at the first router; those for a target that was named do not', (t) => {
  const named = { type: 'tcp', host: 'fd00:10:64::a', port: 53 } as const
  const [ipv4, ipv6, target] = probeTargets(BOTH, [named])
  const networks = { pod: ['10.0.0.0/8', 'fd00::/16'], service: [], node: [] }
  t.match(ipv4?.knocks(networks), [{ hopLimit: 1, port: 9 }])
  t.match(ipv6?.knocks(networks), [{ hopLimit: 1, port: 9 }])
  t.equal(target?.name, '[fd00:10:64::a]:53')
  t.strictSame(target?.knocks(networks), [{ address: 'fd00:10:64::a', port: 53 }])
  t.end()
})
