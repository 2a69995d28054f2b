import { checkConflicts, checkConnected, resolveSeedPlan } from '@reversed-vpn/host-network/testing'
import t from 'tap'

const GATEWAY = { address: '10.1.0.1', what: 'default gateway on eth0' }

t.test('a network that covers an address in use is refused by name', async (t) => {
  t.throws(() => checkConflicts([{ kind: 'pod', cidr: '10.0.0.0/8' }], [GATEWAY]), {
    code: 'ERR_NETWORK_CONFLICT',
    message: 'pod network 10.0.0.0/8 covers 10.1.0.1, default gateway on eth0',
  })
})

t.test('a network beside it is not, nor one of the other family', async (t) => {
  checkConflicts(
    [
      { kind: 'pod', cidr: '10.0.0.0/16' },
      { kind: 'node', cidr: 'fd00::/8' },
    ],
    [GATEWAY, { address: 'fe80::1', what: 'address of eth0' }],
  )
  t.pass('both passed')
})

t.test('a peer is checked against every network, the transfer network included', async (t) => {
  const { networks } = resolveSeedPlan({
    tun: 'vpn0',
    mtu: 1500,
    seedAddresses: ['192.168.123.1/24'],
    shootAddresses: ['192.168.123.2/24'],
    networks: { pod: ['10.0.0.0/8'], service: [], node: [] },
  })
  const check = (address: string) =>
    checkConflicts(networks, [{ address, what: "address of the tunnel's peer" }])
  t.throws(() => check('::ffff:10.9.9.9'), { code: 'ERR_NETWORK_CONFLICT' })
  t.throws(() => check('192.168.123.9'), { message: /^transfer network/ })
  check('203.0.113.1')
})

t.test('a transfer network that overlaps a connected one is refused, whichever is wider', async (t) => {
  const connected = [{ cidr: '192.168.0.0/16', interface: 'eth0' }]
  for (const cidr of ['192.168.123.0/24', '192.0.0.0/3', '192.168.0.0/16']) {
    t.throws(() => checkConnected([{ kind: 'transfer', cidr }], connected), {
      code: 'ERR_NETWORK_CONFLICT',
      message: `transfer network ${cidr} overlaps 192.168.0.0/16, the network of eth0`,
    })
  }
  checkConnected([{ kind: 'transfer', cidr: '192.169.0.0/24' }], connected)
  checkConnected([{ kind: 'transfer', cidr: 'fd00::/64' }], connected)
})
