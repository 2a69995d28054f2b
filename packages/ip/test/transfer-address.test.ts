import { parseTransferAddress, transferAddressOf } from '@reversed-vpn/ip'
import { test } from 'tap'

test('each side has an address in a transfer network, which WELCOME announces', async (t) => {
  for (const network of ['192.168.123.0/24', 'fd8f:6d53:b97a:1::/112', '10.0.0.0/30']) {
    for (const side of ['seed', 'shoot'] as const) {
      const transfer = transferAddressOf(network, side)
      t.strictSame(parseTransferAddress(transfer.cidr), transfer)
    }
  }
  t.match(transferAddressOf('192.168.123.0/24', 'shoot'), {
    address: '192.168.123.2',
    cidr: '192.168.123.2/24',
  })
  t.throws(() => transferAddressOf('10.0.0.0/31', 'seed'), { code: 'ERR_CIDR_INVALID', message: /no room/ })
})

test('takes no transfer address of any other form', async (t) => {
  for (const text of [
    '192.168.123.1',
    '192.168.123.1/0',
    '192.0.0.1/15',
    'fd00::1/47',
    '192.168.123.1/0x18',
    '::ffff:192.168.123.1/120',
    'x/24',
  ])
    t.throws(() => parseTransferAddress(text), { name: 'AddressError', code: 'ERR_CIDR_INVALID' }, text)
})

test('a transfer network that is too wide takes addresses of others, and is refused', async (t) => {
  for (const network of ['192.0.0.0/3', '10.0.0.0/15', 'fd00::/8', 'fd00::/47']) {
    const message = new RegExp(`^transfer network ${network} is too wide, expected /(16|48) or longer$`)
    for (const side of ['seed', 'shoot'] as const) {
      t.throws(() => transferAddressOf(network, side), { code: 'ERR_CIDR_INVALID', message }, network)
    }
  }
  for (const network of ['10.0.0.0/16', 'fd00::/48'])
    t.equal(transferAddressOf(network, 'seed').network, network)
})
