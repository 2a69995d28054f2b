import { AddressError, CidrSet } from '@reversed-vpn/ip'
import { test } from 'tap'
import { hex } from './hex.js'

const NET_10 = 0x0a00_0000

test('holds the first and the last address of a range and neither neighbour', async (t) => {
  const set = CidrSet.of(['10.1.0.0/16', '192.168.0.0/24'])
  t.same(
    [0x0a00_ffff, 0x0a01_0000, 0x0a01_ffff, 0x0a02_0000].map((address) => set.contains4(address)),
    [false, true, true, false],
  )
  t.same(
    [0xc0a7_ffff, 0xc0a8_0000, 0xc0a8_00ff, 0xc0a8_0100].map((address) => set.contains4(address)),
    [false, true, true, false],
  )
})

test('takes an IPv4 address as a signed number of the same bits', async (t) => {
  const set = CidrSet.of(['192.168.0.0/24'])
  t.equal(set.contains4(0xc0a8_0001 | 0), true)
  t.equal(set.contains4(0xc0a8_0101 | 0), false)
})

test('holds everything or nothing at the ends of the address space', async (t) => {
  const all = CidrSet.of(['0.0.0.0/0', '::/0'])
  const none = CidrSet.of([])
  for (const address of [0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    t.equal(all.contains4(address), true)
    t.equal(none.contains4(address), false)
  }
  for (const address of [new Uint8Array(16), new Uint8Array(16).fill(0xff)]) {
    t.equal(all.contains6(address, 0), true)
    t.equal(none.contains6(address, 0), false)
  }
  t.equal(all.isEmpty, false)
  t.equal(none.isEmpty, true)
  t.equal(CidrSet.of(['::1/128']).isEmpty, false)
})

test('compares all four words of an IPv6 address, at an offset', async (t) => {
  const set = CidrSet.of(['2001:db8:1:2:8000::/65', '2001:db8:ffff::7/128'])
  for (const [address, expected] of [
    ['20010db8000100027fffffffffffffff', false],
    ['20010db8000100028000000000000000', true],
    ['20010db800010002ffffffffffffffff', true],
    ['20010db8000100030000000000000000', false],
    ['20010db8ffff00000000000000000006', false],
    ['20010db8ffff00000000000000000007', true],
    ['20010db8ffff00000000000000000008', false],
    ['20010db9ffff00000000000000000007', false],
    ['20010db8ffff00000000000100000007', false],
    ['a0010db8ffff00000000000000000007', false],
  ] as const) {
    t.equal(set.contains6(hex(`eeee${address}ee`), 2), expected, address)
  }
})

test('finds each of many ranges and nothing between them', async (t) => {
  const cidrs = Array.from({ length: 100 }, (_, index) => `10.${index}.128.0/17`)
  const set = CidrSet.of(cidrs)
  for (let index = 0; index < 100; index++) {
    t.equal(set.contains4(NET_10 + index * 0x1_0000 + 0x8000), true)
    t.equal(set.contains4(NET_10 + index * 0x1_0000 + 0x7fff), false)
  }
})

test('merges what overlaps or touches and writes the fewest CIDRs, IPv4 first', async (t) => {
  const set = CidrSet.of([
    '2001:db8::/33',
    '10.1.0.0/16',
    '10.0.0.0/16',
    '2001:db8:8000::/33',
    '10.0.7.0/24',
    '9.0.0.0/8',
  ])
  t.same(set.toStrings(), ['9.0.0.0/8', '10.0.0.0/15', '2001:db8::/32'])
  t.same(CidrSet.of(['0.0.0.0/1', '128.0.0.0/1', '::/0']).toStrings(), ['0.0.0.0/0', '::/0'])
})

test('asks by text, IPv4-mapped addresses being the IPv4 address they name', async (t) => {
  const set = CidrSet.of(['10.0.0.0/8', '::ffff:172.16.0.0/108', '2001:db8::/32'])
  t.equal(set.has('10.9.9.9'), true)
  t.equal(set.has('::ffff:10.9.9.9'), true)
  t.equal(set.has('::ffff:a09:909'), true)
  t.equal(set.has('172.31.0.1'), true)
  t.equal(set.has('172.32.0.1'), false)
  t.equal(set.has('2001:db8::1'), true)
  t.equal(set.has('2001:db9::1'), false)
})

test('throws for text that is no address, with a zone too', async (t) => {
  const set = CidrSet.of(['::/0'])
  for (const text of ['', 'localhost', '10.1', '10.0.0.0/8', 'fe80::1%eth0']) {
    t.throws(
      () => set.has(text),
      new AddressError('ERR_CIDR_INVALID', `${JSON.stringify(text)} is not valid, expected an IP address`),
    )
  }
})

test('overlaps another set that shares one address', async (t) => {
  const set = CidrSet.of(['10.0.0.0/8', '2001:db8::/32'])
  t.equal(set.overlaps(CidrSet.of(['10.255.255.255/32'])), true)
  t.equal(set.overlaps(CidrSet.of(['8.0.0.0/5'])), true)
  t.equal(set.overlaps(CidrSet.of(['11.0.0.0/8', '9.0.0.0/8'])), false)
  t.equal(set.overlaps(CidrSet.of(['2001:db8:ffff::/48'])), true)
  t.equal(set.overlaps(CidrSet.of(['2001:db9::/32', '::/3'])), false)
  t.equal(set.overlaps(CidrSet.of([])), false)
})

test('takes out what another set has', async (t) => {
  const set = CidrSet.of(['10.0.0.0/30', '10.0.1.0/24', '2001:db8::/127'])
  t.same(set.without(CidrSet.of(['10.0.0.1/32', '10.0.1.0/25', '2001:db8::1/128'])).toStrings(), [
    '10.0.0.0/32',
    '10.0.0.2/31',
    '10.0.1.128/25',
    '2001:db8::/128',
  ])
  t.equal(set.without(CidrSet.of(['10.0.0.0/8', '2001:db8::/32'])).isEmpty, true)
  t.same(set.without(CidrSet.of(['10.0.0.4/30'])).toStrings(), set.toStrings())
})

test('passes on what is wrong with a CIDR', async (t) => {
  t.throws(() => CidrSet.of(['10.0.0.0/8', '10.0.0.1/8']), { code: 'ERR_CIDR_HOST_BITS' })
})

test('takes an IPv6 address that ends in an IPv4 address for what it is, not for IPv4-mapped', async (t) => {
  t.equal(CidrSet.of(['10.0.0.0/8']).has('::10.0.0.5'), false)
  t.equal(CidrSet.of(['::/96']).has('::10.0.0.5'), true)
  t.equal(CidrSet.of(['10.0.0.0/8']).has('::ffff:10.0.0.5'), true)
})
