import { AddressError, parseAddressWithPrefix, parseCidr, parseNetworkCidr } from '@reversed-vpn/ip'
import { test } from 'tap'

for (const [text, expected] of [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['10.1.2.3/32', '10.1.2.3/32'],
  ['::/0', '::/0'],
  ['2001:DB8:0:0:0:0:0:0/32', '2001:db8::/32'],
  ['fd8f:6d53:b97a:1::/112', 'fd8f:6d53:b97a:1::/112'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:a00:1/128', '10.0.0.1/32'],
  ['::ffff:0:0/96', '::ffff:0:0/96'],
  ['::/80', '::/80'],
] as const) {
  test(`reads ${text} as ${expected}`, async (t) => {
    t.equal(parseCidr(text).text, expected)
  })
}

test('gives the first and the last address as numbers', async (t) => {
  const { family, first, last, prefixLength } = parseCidr('10.1.2.0/23')
  t.same(
    { family, first, last, prefixLength },
    { family: 4, first: 0x0a01_0200n, last: 0x0a01_03ffn, prefixLength: 23 },
  )
  t.equal(parseCidr('ff00::/8').last, (1n << 128n) - 1n)
})

for (const [text, message] of [
  ['10.0.0.1/8', 'CIDR 10.0.0.1/8 has host bits set, expected 10.0.0.0/8'],
  ['0.0.0.1/0', 'CIDR 0.0.0.1/0 has host bits set, expected 0.0.0.0/0'],
  ['2001:db8::1/32', 'CIDR 2001:db8::1/32 has host bits set, expected 2001:db8::/32'],
] as const) {
  test(`refuses ${text} for its host bits and names the CIDR that was meant`, async (t) => {
    t.throws(() => parseCidr(text), new AddressError('ERR_CIDR_HOST_BITS', message))
  })
}

for (const [text, message] of [
  ['', 'CIDR "" is not valid, expected ADDRESS/LENGTH'],
  ['10.0.0.0', 'CIDR 10.0.0.0 is not valid, expected ADDRESS/LENGTH'],
  ['10.0.0.0/8/8', 'CIDR 10.0.0.0/8/8 is not valid, expected ADDRESS/LENGTH'],
  ['10.0/16', 'CIDR 10.0/16 is not valid, expected ADDRESS/LENGTH'],
  ['010.0.0.0/8', 'CIDR 010.0.0.0/8 is not valid, expected ADDRESS/LENGTH'],
  ['0x0a.0.0.0/8', 'CIDR 0x0a.0.0.0/8 is not valid, expected ADDRESS/LENGTH'],
  ['167772160/8', 'CIDR 167772160/8 is not valid, expected ADDRESS/LENGTH'],
  ['::ffff:010.0.0.0/104', 'CIDR ::ffff:010.0.0.0/104 is not valid, expected ADDRESS/LENGTH'],
  ['fe80::1%eth0/128', 'CIDR fe80::1%eth0/128 is not valid, expected ADDRESS/LENGTH'],
  ['10.0.0.0/8\n', 'CIDR "10.0.0.0/8\\n" has prefix length "8\\n", expected 0 to 32'],
  ['10.0.0.0/33', 'CIDR 10.0.0.0/33 has prefix length 33, expected 0 to 32'],
  ['2001:db8::/129', 'CIDR 2001:db8::/129 has prefix length 129, expected 0 to 128'],
  ['10.0.0.0/08', 'CIDR 10.0.0.0/08 has prefix length 08, expected 0 to 32'],
  ['10.0.0.0/', 'CIDR 10.0.0.0/ has prefix length "", expected 0 to 32'],
  ['10.0.0.0/-1', 'CIDR 10.0.0.0/-1 has prefix length -1, expected 0 to 32'],
  ['10.0.0.0/255.0.0.0', 'CIDR 10.0.0.0/255.0.0.0 has prefix length 255.0.0.0, expected 0 to 32'],
] as const) {
  test(`refuses ${JSON.stringify(text)}`, async (t) => {
    t.throws(() => parseCidr(text), new AddressError('ERR_CIDR_INVALID', message))
  })
}

test('takes any network but one of prefix length zero', async (t) => {
  t.equal(parseNetworkCidr('128.0.0.0/1').prefixLength, 1)
  t.throws(
    () => parseNetworkCidr('0.0.0.0/0'),
    new AddressError('ERR_CIDR_INVALID', 'network 0.0.0.0/0 has prefix length 0, expected 1 to 32'),
  )
  t.throws(
    () => parseNetworkCidr('::/0'),
    new AddressError('ERR_CIDR_INVALID', 'network ::/0 has prefix length 0, expected 1 to 128'),
  )
})

test('an address with the prefix length of its network may have host bits', async (t) => {
  t.strictSame(parseAddressWithPrefix('192.168.123.1/24'), {
    family: 4,
    value: 0xc0a87b01n,
    prefixLength: 24,
  })
  t.match(parseAddressWithPrefix('::ffff:10.0.0.1/120'), { family: 6, prefixLength: 120 })
  for (const text of [
    '192.168.123.1',
    '192.168.123.1/33',
    '192.168.123.1/024',
    'fe80::1%eth0/64',
    '/24',
    '1.2.3.4/0x8',
  ])
    t.throws(() => parseAddressWithPrefix(text), { code: 'ERR_CIDR_INVALID' }, text)
})
