import { nftTableName, ownedNumber } from '@reversed-vpn/host-network/testing'
import t from 'tap'

t.test('the table is called after the TUN', async (t) => {
  t.equal(nftTableName('vpn0'), 'reversed_vpn_vpn0')
})

t.test('names that differ give tables that differ', async (t) => {
  const names = ['a-b', 'a_b', 'a.b', 'a2db', 'a_2db']
  t.equal(new Set(names.map(nftTableName)).size, names.length)
})

t.test('the number of a TUN is no reserved table, fits a metric, and stays what it is', async (t) => {
  for (const name of ['vpn0', 'vpn1', 'a', 'abcdefghijklmno']) {
    const number = ownedNumber(name)
    t.ok(number > 255 && number < 2 ** 31)
  }
  t.not(ownedNumber('vpn0'), ownedNumber('vpn1'))
  // A later version has to find what this one left behind.
  t.equal(ownedNumber('vpn0'), 1_380_911_981)
})
