import { joinAnnouncements } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const ONE = {
  addresses: { seed: ['192.168.123.1/24', 'fd8f::1/112'], shoot: ['192.168.123.2/24', 'fd8f::2/112'] },
  mtu: 1500,
  networks: { pod: ['100.96.0.0/12'], service: ['100.64.0.0/13'], node: [] },
}

t.test('the same from all is that, unchanged', async (t) => {
  t.strictSame(joinAnnouncements(ONE, []), ONE)
  t.equal(joinAnnouncements(ONE, [structuredClone(ONE)]).networks, ONE.networks)
})

t.test('networks are put together, and the smallest MTU counts', async (t) => {
  const networks = { pod: ['100.112.0.0/12'], service: [], node: ['10.250.0.0/16'] }
  t.match(joinAnnouncements(ONE, [{ ...ONE, mtu: 1400, networks }]), {
    mtu: 1400,
    networks: { pod: ['100.96.0.0/11'], service: ['100.64.0.0/13'], node: ['10.250.0.0/16'] },
  })
})

t.test('the order of addresses is of no importance, the addresses are', async (t) => {
  const { seed, shoot } = ONE.addresses
  t.doesNotThrow(() => joinAnnouncements(ONE, [{ ...ONE, addresses: { seed: seed.toReversed(), shoot } }]))
  const other = { ...ONE, addresses: { seed: ['10.7.0.1/30'], shoot } }
  t.throws(() => joinAnnouncements(other, [ONE]), {
    code: 'ERR_TRANSFER_NETWORK_CONFLICT',
    message: /^it announces 10\.7\.0\.1\/30 for the seed side, .* 192\.168\.123\.1\/24, fd8f::1\/112$/,
  })
})
