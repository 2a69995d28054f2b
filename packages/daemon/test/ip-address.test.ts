import { parseIpAddress, parseIpAddressNormalized } from '@reversed-vpn/daemon'
import t from 'tap'

t.test('an address with an IPv4 address at its end is IPv4-mapped only behind ffff', async (t) => {
  const bytes = (text: string) => Buffer.from(parseIpAddress(text).toByteArray()).toString('hex')
  t.equal(bytes('::192.0.2.1'), '000000000000000000000000c0000201')
  t.equal(bytes('0::192.0.2.1'), '000000000000000000000000c0000201')
  t.equal(bytes('::ffff:192.0.2.1'), '00000000000000000000ffffc0000201')
  t.equal(bytes('64:ff9b::192.0.2.1'), '0064ff9b0000000000000000c0000201')
  t.equal(bytes('192.0.2.1'), 'c0000201')
})

t.test('only an IPv4-mapped address becomes an IPv4 address', async (t) => {
  t.equal(parseIpAddressNormalized('::ffff:192.0.2.1').toString(), '192.0.2.1')
  t.equal(parseIpAddressNormalized('::192.0.2.1').toString(), '::c000:201')
  t.equal(parseIpAddressNormalized('192.0.2.1').toString(), '192.0.2.1')
})

t.test('what is no address is refused', async (t) => {
  for (const text of ['', 'localhost', '::192.0.2', '::192.0.2.256'])
    t.throws(() => parseIpAddress(text), text)
})
