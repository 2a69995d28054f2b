import {
  ownedNumber,
  renderFallbackLines,
  renderLinkLines,
  resolveSeedPlan,
  resolveShootPlan,
  seedLinks,
  shootLinks,
} from '@reversed-vpn/host-network/testing'
import t from 'tap'

const PLAN = {
  tun: 'vpn0',
  mtu: 1420,
  seedAddresses: ['192.168.123.1/24', 'fd8f::1/112'],
  shootAddresses: ['192.168.123.2/24', 'fd8f::2/112'],
  networks: { pod: ['10.0.0.0/16'], service: ['fd02::/112'], node: [] },
}
const NUMBER = ownedNumber('vpn0')

t.test('the seed catches the networks before the link is up', async (t) => {
  const links = seedLinks(resolveSeedPlan(PLAN))
  t.same(renderFallbackLines(links, 4), [
    `route replace blackhole 10.0.0.0/16 metric ${NUMBER} proto 119`,
    `route replace blackhole 192.168.123.0/24 metric ${NUMBER} proto 119`,
    `route replace blackhole 10.0.0.0/16 table ${NUMBER} metric ${NUMBER} proto 119`,
    `route replace unreachable default table ${NUMBER} metric ${NUMBER} proto 119`,
    `rule add pref 11940 from 192.168.123.1 lookup ${NUMBER} protocol 119`,
  ])
  t.same(renderFallbackLines(links, 6), [
    `route replace blackhole fd02::/112 metric ${NUMBER} proto 119`,
    `route replace blackhole fd8f::/112 metric ${NUMBER} proto 119`,
    `route replace blackhole fd02::/112 table ${NUMBER} metric ${NUMBER} proto 119`,
    `route replace unreachable default table ${NUMBER} metric ${NUMBER} proto 119`,
    `rule add pref 11940 from fd8f::1 lookup ${NUMBER} protocol 119`,
  ])
})

t.test('a rule that is there is not added again', async (t) => {
  const lines = renderFallbackLines(seedLinks(resolveSeedPlan(PLAN)), 4, [])
  t.notOk(lines.some((line) => line.startsWith('rule')))
})

t.test('the seed routes the networks into the TUN in both tables, once it is up', async (t) => {
  t.same(renderLinkLines(seedLinks(resolveSeedPlan(PLAN)), true), [
    'link set dev vpn0 mtu 1420 txqueuelen 500 addrgenmode none',
    'address replace 192.168.123.1/24 dev vpn0',
    'address replace fd8f::1/112 dev vpn0 nodad',
    'link set dev vpn0 up',
    'route replace 10.0.0.0/16 dev vpn0 src 192.168.123.1 metric 10 proto 119',
    'route replace 192.168.123.0/24 dev vpn0 src 192.168.123.1 metric 10 proto 119',
    `route replace 10.0.0.0/16 dev vpn0 src 192.168.123.1 table ${NUMBER} metric 10 proto 119`,
    `route replace 192.168.123.0/24 dev vpn0 src 192.168.123.1 table ${NUMBER} metric 10 proto 119`,
    'route replace fd02::/112 dev vpn0 src fd8f::1 metric 10 proto 119',
    'route replace fd8f::/112 dev vpn0 src fd8f::1 metric 10 proto 119',
    `route replace fd02::/112 dev vpn0 src fd8f::1 table ${NUMBER} metric 10 proto 119`,
    `route replace fd8f::/112 dev vpn0 src fd8f::1 table ${NUMBER} metric 10 proto 119`,
  ])
})

t.test('the shoot has a route to the transfer networks alone, and none when the TUN is gone', async (t) => {
  const links = shootLinks(resolveShootPlan({ ...PLAN, txQueueLength: 64 }))
  t.same(renderFallbackLines(links, 4), [
    `route replace blackhole 192.168.123.0/24 metric ${NUMBER} proto 119`,
  ])
  t.same(renderFallbackLines(links, 6), [`route replace blackhole fd8f::/112 metric ${NUMBER} proto 119`])
  t.same(renderLinkLines(links, true), [
    'link set dev vpn0 mtu 1420 txqueuelen 64 addrgenmode none',
    'address replace 192.168.123.2/24 dev vpn0',
    'address replace fd8f::2/112 dev vpn0 nodad',
    'link set dev vpn0 up',
    'route replace 192.168.123.0/24 dev vpn0 src 192.168.123.2 metric 10 proto 119',
    'route replace fd8f::/112 dev vpn0 src fd8f::2 metric 10 proto 119',
  ])
})

t.test('one family alone leaves no trace of the other', async (t) => {
  const networks = { pod: ['10.0.0.0/16'], service: [], node: [] }
  const links = seedLinks(resolveSeedPlan({ ...PLAN, networks }))
  t.same(renderFallbackLines(links, 6), [])
  t.notMatch(renderLinkLines(links, false).join('\n'), /:|addrgenmode/)
})
