import type { ShootNetworks } from '@reversed-vpn/ip'
import { encodeControl, findNetworksProblem, MAX_LANES, OFFLOAD_KINDS } from '@reversed-vpn/protocol'
import t from 'tap'
import { WELCOME } from './control-samples.js'

const NONE: ShootNetworks = { pod: [], service: [], node: [] }

/** Apart by a network each, so that none can be merged with another. */
const networks4 = (count: number) =>
  Array.from({ length: count }, (_, index) => `10.${index >> 7}.${(index & 127) * 2}.0/24`)
const networks6 = (count: number, digits: string) =>
  Array.from({ length: count }, (_, index) => `fd00:${digits}:${(0x1000 + index * 2).toString(16)}::/64`)

/** A WELCOME with nothing in it that could be longer. */
function longestWelcome(networks: ShootNetworks): Buffer {
  const { addresses } = WELCOME
  const long6 = `${'abcd:'.repeat(7)}1000/126`
  const longest = { seed: ['100.100.100.101/30', long6], shoot: ['100.100.100.102/30', long6] }
  const lanes = { lane: MAX_LANES - 1, lanesMax: MAX_LANES, mtu: 65_535 }
  const times = { keepaliveMs: 3_599_999, deadAfterMs: 3_600_000 }
  t.equal(addresses.seed.length, longest.seed.length)
  return encodeControl({
    ...WELCOME,
    ...lanes,
    ...times,
    accepts: OFFLOAD_KINDS,
    addresses: longest,
    networks,
  })
}

t.test('256 networks of each kind are announced, 257 of one are not', async (t) => {
  const most = { pod: networks4(256), service: networks4(256), node: networks4(256) }
  t.equal(findNetworksProblem(most), undefined)
  longestWelcome(most)
  for (const kind of ['pod', 'service', 'node'] as const) {
    const networks = { ...NONE, [kind]: networks4(257) }
    t.same(findNetworksProblem(networks), {
      kind,
      problem: '257 networks exceed the 256 that can be announced',
    })
    t.throws(() => longestWelcome(networks), { code: 'ERR_CONTROL_INVALID' })
  }
})

t.test('as many bytes as any WELCOME has room for are announced, and no more', async (t) => {
  const of = (count: number, extra = '') => ({
    pod: networks6(256, 'aaaa:bbbb'),
    service: networks6(256, 'aaaa:cccc'),
    node: [...networks6(count, 'aaaa:dddd'), ...(extra === '' ? [] : [extra])],
  })
  let most = 0
  while (findNetworksProblem(of(most + 1)) === undefined) most++
  t.ok(most > 0 && most < 256, `${most} of the last kind`)
  longestWelcome(of(most))
  const { kind, problem } = findNetworksProblem(of(most + 1)) ?? {}
  t.equal(kind, 'pod', 'the kind that takes most')
  t.match(
    problem,
    new RegExp(
      `^${513 + most} networks of all kinds take \\d+ B and exceed the \\d+ B that can be announced$`,
    ),
  )
  // To the byte: what is left is filled up with one network of each length.
  for (const extra of [
    'fd00::/8',
    'fd00:1::/32',
    'fd00:1:1::/48',
    'fd00:11:11::/48',
    'fd00:111:111:1::/64',
  ]) {
    const fits = findNetworksProblem(of(most, extra)) === undefined
    if (fits) longestWelcome(of(most, extra))
  }
})

t.test('a network of every address is not announced', async (t) => {
  for (const network of ['0.0.0.0/0', '::/0']) {
    const networks = { ...NONE, node: [network] }
    t.same(findNetworksProblem(networks), {
      kind: 'node',
      problem: `${network} is every address of its family`,
    })
    t.throws(() => longestWelcome(networks), { code: 'ERR_CONTROL_INVALID' })
  }
})
