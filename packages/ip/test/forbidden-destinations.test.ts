import { CidrSet, FORBIDDEN_DESTINATIONS } from '@reversed-vpn/ip'
import { test } from 'tap'
import { hex } from './hex.js'

const forbidden = CidrSet.of(FORBIDDEN_DESTINATIONS)

for (const address of [
  '0.0.0.0',
  '0.255.255.255',
  '127.0.0.1',
  '169.254.169.254',
  '169.254.0.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '::',
  '::1',
  'fe80::1',
  'febf::1',
  'ff02::1',
  'fd00:ec2::254',
  '::ffff:127.0.0.1',
]) {
  test(`forbids ${address}`, async (t) => {
    t.equal(forbidden.has(address), true)
  })
}

for (const address of [
  '1.0.0.0',
  '10.0.0.1',
  '100.100.100.201',
  '168.63.129.17',
  '192.0.0.193',
  '223.255.255.255',
  '::2',
  'fd00:ec2::253',
  'fec0::1',
  '2001:db8::1',
  '::ffff:10.0.0.1',
]) {
  test(`lets ${address} be`, async (t) => {
    t.equal(forbidden.has(address), false)
  })
}

test('forbids every IPv4-mapped address as it would stand in an IPv6 packet', async (t) => {
  t.equal(forbidden.contains6(hex('00000000000000000000ffff0a000001'), 0), true)
})

test('can not be changed', async (t) => {
  t.equal(Object.isFrozen(FORBIDDEN_DESTINATIONS), true)
})
