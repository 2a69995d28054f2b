import { ALPN_PROTOCOL, diallerIdIn, diallerName } from '@reversed-vpn/protocol'
import t from 'tap'

const ID = '0123456789abcdef0123456789abcdef'

t.test('a dialler names itself beside the protocol', async (t) => {
  t.equal(diallerIdIn([ALPN_PROTOCOL, diallerName(ID)]), ID)
  t.equal(diallerIdIn([diallerName(ID), ALPN_PROTOCOL]), ID)
})

t.test('one that does not, or not with an id, is nobody known', async (t) => {
  for (const offered of [
    [],
    [ALPN_PROTOCOL],
    [diallerName('')],
    [diallerName(`${ID}0`)],
    [diallerName(ID.toUpperCase())],
  ])
    t.equal(diallerIdIn(offered), undefined, offered.join(' '))
})
