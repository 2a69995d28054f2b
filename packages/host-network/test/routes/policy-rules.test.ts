import { decisionOf, type PolicyRoute, type PolicyRule, refusalOf } from '@reversed-vpn/host-network/testing'
import t from 'tap'

const LOCAL: PolicyRule = { priority: 0, src: 'all', table: 'local' }
const MAIN: PolicyRule = { priority: 32_766, src: 'all', table: 'main' }
const WORDS = 'Invalid argument'

/** As `ip -json rule show` writes it, which has more selectors than are typed. */
function rules(...written: object[]): PolicyRule[] {
  return [LOCAL, ...(written as PolicyRule[]), MAIN]
}

const question = { family: 4, destination: '100.96.0.0' } as const

t.test('the rule is named that leads to the table where the kernel found the route', (t) => {
  const tailscale = rules(
    { priority: 5210, src: 'all', fwmark: '0x80000', fwmask: '0xff0000', table: 'main' },
    { priority: 5250, src: 'all', fwmark: '0x80000', fwmask: '0xff0000', action: 'unreachable' },
    { priority: 5270, src: 'all', table: '52' },
  )
  const route = { dst: '100.96.0.0/11', dev: 'tailscale0', table: '52' }
  t.strictSame(decisionOf(route, question, tailscale), {
    rule: 5270,
    table: '52',
    route: '100.96.0.0/11 dev tailscale0',
    destination: '100.96.0.0/11',
  })
  t.end()
})

t.test('a gateway, several next hops, and a default route are named', (t) => {
  const all = rules({ priority: 7, src: 'all', table: '53' })
  const nexthops = [{ dev: 'eth0' }, { gateway: '192.0.2.3', dev: 'eth1' }]
  const several = { dst: '100.96.0.0/11', table: '53', nexthops }
  t.match(decisionOf(several, question, all), { route: '100.96.0.0/11 dev eth0 via 192.0.2.3 dev eth1' })
  const uplink = { dst: 'default', gateway: '192.0.2.2', dev: 'eth0' }
  t.match(decisionOf(uplink, question, all), {
    rule: 32_766,
    table: 'main',
    route: 'default via 192.0.2.2 dev eth0',
    destination: '0.0.0.0/0',
  })
  t.end()
})

t.test('the rule, or the route, that rejects is found', (t) => {
  const blackhole: PolicyRoute = { type: 'blackhole', dst: '100.64.0.0/10', table: '53' }
  const all = rules({ priority: 1, src: 'all', table: '53' })
  t.strictSame(refusalOf(question, all, [blackhole], WORDS), {
    rule: 1,
    table: '53',
    route: 'blackhole 100.64.0.0/10',
    destination: '100.64.0.0/10',
  })
  const rejecting = rules({ priority: 2, src: 'all', dst: '100.96.0.0', dstlen: 11, action: 'unreachable' })
  t.match(refusalOf(question, rejecting, [], WORDS), { rule: 2, table: null, route: 'unreachable' })
  const prohibited: PolicyRoute = { type: 'prohibit', dst: 'fd00:10:96::/48', metric: 1024, table: '53' }
  const asked = { family: 6, destination: 'fd00:10:96::' } as const
  t.match(refusalOf(asked, all, [prohibited], WORDS), { rule: 1, route: 'prohibit fd00:10:96::/48' })
  t.end()
})

t.test('rules of other packets, and routes that are not the best or give way, are no reason', (t) => {
  const blackhole: PolicyRoute = { type: 'blackhole', dst: '100.64.0.0/10', table: '53' }
  const unexplained = { rule: null, table: null, route: WORDS, destination: null }
  for (const selectors of [
    { src: '10.0.0.0', srclen: 8 },
    { src: 'all', dst: '100.64.0.0', dstlen: 13 },
    { src: 'all', iif: 'eth0' },
    { src: 'all', fwmark: '0x1' },
    { src: '192.168.123.1' },
    { src: 'all', dst: '100.96.0.0', dstlen: 11, not: null },
    { src: 'all', suppress_prefixlen: 10 },
  ]) {
    const all = rules({ priority: 1, table: '53', ...selectors })
    t.strictSame(refusalOf(question, all, [blackhole], WORDS), unexplained, JSON.stringify(selectors))
  }
  const all = rules({ priority: 1, src: 'all', table: '53' })
  const throwing: PolicyRoute = { type: 'throw', dst: '100.96.0.0/11', table: '53' }
  t.strictSame(refusalOf(question, all, [blackhole, throwing], WORDS), unexplained)
  const better: PolicyRoute = { dst: '100.64.0.0/10', dev: 'eth0', table: '53' }
  t.strictSame(refusalOf(question, all, [{ ...blackhole, metric: 9 }, better], WORDS), unexplained)
  t.end()
})

t.test('a rule of everybody but one is a rule of the others', (t) => {
  const wireguard = rules({ priority: 9, src: 'all', not: null, fwmark: '0xca6c', table: '51820' })
  const route = { dst: '100.96.0.0/11', dev: 'wg0', table: '51820' }
  t.match(decisionOf(route, question, wireguard), { rule: 9 })
  t.end()
})
