import { formatAddress, parseAddress, parseAddressNormalized } from '@reversed-vpn/ip'
import t from 'tap'

t.test('an address with an IPv4 address at its end is IPv4-mapped only behind ffff', async (t) => {
  t.same(parseAddress('::192.0.2.1'), { family: 6, value: 0xc000_0201n })
  t.same(parseAddress('0::192.0.2.1'), { family: 6, value: 0xc000_0201n })
  t.same(parseAddress('::ffff:192.0.2.1'), { family: 6, value: 0xffff_c000_0201n })
  t.same(parseAddress('64:ff9b::192.0.2.1'), {
    family: 6,
    value: (0x64_ff9bn << 96n) | 0xc000_0201n,
  })
  t.same(parseAddress('192.0.2.1'), { family: 4, value: 0xc000_0201n })
})

t.test('only an IPv4-mapped address becomes an IPv4 address', async (t) => {
  const normalized = (text: string) => formatAddress(parseAddressNormalized(text) ?? { family: 4, value: 0n })
  t.equal(normalized('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(normalized('::192.0.2.1'), '::c000:201')
  t.equal(normalized('192.0.2.1'), '192.0.2.1')
})

t.test('what is no address is refused', async (t) => {
  for (const text of ['', 'localhost', '::192.0.2', '::192.0.2.256'])
    t.equal(parseAddress(text), undefined, text)
})
