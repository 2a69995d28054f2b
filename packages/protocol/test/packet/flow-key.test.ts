import { flowKeyOf, laterFragmentsOf } from '@reversed-vpn/protocol'
import t from 'tap'
import { hex } from '../hex.js'

const NO_HEADER = '00000000000000000000'
const SEED = 'c0a87b01'
const POD = '64600102'
const SEED6 = 'fd8f6d53b97a00010000000000000001'
const POD6 = 'fd000010009600010000000000000002'

const TCP = '06'
const UDP = '11'
const ICMP = '01'

function ipv4(source: string, destination: string, protocol: string, l4: string, word = '00000000'): string {
  return `4500001c ${word} 40${protocol}0000 ${source} ${destination} ${l4}`
}

function ipv6(source: string, destination: string, protocol: string, l4: string): string {
  return `60000000 0014${protocol}40 ${source} ${destination} ${l4}`
}

const toShoot = (packet: string) => flowKeyOf(hex(`${NO_HEADER} ${packet}`), 0, false)
const toSeed = (packet: string) => flowKeyOf(hex(`${NO_HEADER} ${packet}`), 0, true)

t.test('both directions of a flow have one key', async (t) => {
  for (const protocol of [TCP, UDP]) {
    const back = toSeed(ipv4(POD, SEED, protocol, '00508909 00000000'))
    t.equal(toShoot(ipv4(SEED, POD, protocol, '89090050 00000000')), back)
    t.equal(
      toShoot(ipv6(SEED6, POD6, protocol, '89090050 00000000')),
      toSeed(ipv6(POD6, SEED6, protocol, '00508909 00000000')),
    )
  }
  t.equal(
    toShoot(ipv4(SEED, POD, ICMP, '08000000 abcd0001')),
    toSeed(ipv4(POD, SEED, ICMP, '00000000 abcd0001')),
  )
  t.equal(
    toShoot(ipv6(SEED6, POD6, '3a', '80000000 abcd0001')),
    toSeed(ipv6(POD6, SEED6, '3a', '81000000 abcd0001')),
  )
})

t.test('whatever tells two flows apart is in it', async (t) => {
  const keys = [
    ipv4(SEED, POD, TCP, '89090050 00000000'),
    ipv4(SEED, POD, UDP, '89090050 00000000'),
    ipv4(SEED, POD, TCP, '890a0050 00000000'),
    ipv4(SEED, POD, TCP, '89090051 00000000'),
    ipv4(SEED, POD, TCP, '00508909 00000000'),
    ipv4(SEED, '64600103', TCP, '89090050 00000000'),
    ipv4(SEED, POD, ICMP, '08000000 abcd0001'),
    ipv4(SEED, POD, ICMP, '08000000 abce0001'),
    ipv4(SEED, POD, '2f', '89090050 00000000'),
    ipv6(SEED6, POD6, TCP, '89090050 00000000'),
  ].map(toShoot)
  t.equal(new Set(keys).size, keys.length)
})

t.test('an error belongs to the flow of the packet that it quotes', async (t) => {
  const sent = ipv4(SEED, POD, TCP, '89090050 00000000')
  t.equal(toSeed(ipv4('64600101', SEED, ICMP, `03040000 00000500 ${sent}`)), toShoot(sent))
  const sent6 = ipv6(SEED6, POD6, TCP, '89090050 00000000')
  t.equal(toSeed(ipv6(POD6, SEED6, '3a', `02000000 00000500 ${sent6}`)), toShoot(sent6))
  const error = ipv4(SEED, POD, ICMP, `03040000 00000500 ${sent}`)
  t.type(
    toShoot(ipv4(SEED, POD, ICMP, `03040000 00000500 ${error}`)),
    'string',
    'one about an error ends there',
  )
})

t.test('the first fragment has ports, and says which fragments follow', async (t) => {
  const first = ipv4(POD, SEED, UDP, '00508909 00000000', '12342000')
  const later = ipv4(POD, SEED, UDP, 'ffffffff 00000000', '123400b9')
  t.equal(toSeed(first), toSeed(ipv4(POD, SEED, UDP, '00508909 00000000')))
  t.equal(laterFragmentsOf(hex(`${NO_HEADER} ${first}`), 0, true), toSeed(later))
  t.not(
    toSeed(later),
    toSeed(ipv4(POD, SEED, UDP, 'ffffffff 00000000', '123500b9')),
    'by their identification',
  )
  const first6 = ipv6(POD6, SEED6, '2c', '11000001 0000abcd 00508909 00000000')
  const later6 = ipv6(POD6, SEED6, '2c', '11000100 0000abcd ffffffff 00000000')
  t.equal(toSeed(first6), toSeed(ipv6(POD6, SEED6, UDP, '00508909 00000000')))
  t.equal(laterFragmentsOf(hex(`${NO_HEADER} ${first6}`), 0, true), toSeed(later6))
})

t.test('a whole packet has no fragments', async (t) => {
  for (const packet of [
    ipv4(POD, SEED, UDP, '00508909 00000000'),
    ipv6(POD6, SEED6, UDP, '00508909 00000000'),
  ])
    t.equal(laterFragmentsOf(hex(`${NO_HEADER} ${packet}`), 0, true), undefined)
})
