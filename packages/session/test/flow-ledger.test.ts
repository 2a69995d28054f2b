import { FlowLedger } from '@reversed-vpn/session'
import t from 'tap'
import { gsoFrame, udpFrame } from './fixtures.js'

const FLAGS = { syn: 0x02, ack: 0x10, synAck: 0x12 }
const OLD = { name: 'old' }
const MIDDLE = { name: 'middle' }
const NEW = { name: 'new' }

/** A TCP packet behind a virtio-net header, from the given source port. */
function tcpFrame(port: number, flags: number): Buffer {
  const frame = gsoFrame(Buffer.alloc(0))
  frame.writeUInt16BE(port, 10 + 20)
  frame[10 + 33] = flags
  return frame
}

function ledgerOf(...carriers: (typeof OLD)[]): FlowLedger<typeof OLD> {
  const ledger = new FlowLedger<typeof OLD>()
  for (const carrier of carriers) ledger.add(carrier)
  return ledger
}

t.test('one carrier has everything, and nothing has to be looked at', async (t) => {
  const ledger = ledgerOf(OLD)
  t.equal(ledger.isKept, false)
  t.equal(ledger.olderOwnerOf(tcpFrame(1, FLAGS.ack), 0), undefined)
})

t.test('a connection that is older than the takeover stays with the older carrier', async (t) => {
  const ledger = ledgerOf(OLD, NEW)
  t.equal(ledger.isKept, true)
  t.equal(ledger.olderOwnerOf(tcpFrame(1, FLAGS.ack), 0), OLD)
})

t.test('a connection opened after the takeover belongs to the newest carrier from its SYN on', async (t) => {
  const ledger = ledgerOf(OLD, NEW)
  t.equal(ledger.olderOwnerOf(tcpFrame(2, FLAGS.syn), 0), undefined)
  t.equal(ledger.olderOwnerOf(tcpFrame(2, FLAGS.ack), 0), undefined)
  t.equal(ledger.olderOwnerOf(tcpFrame(1, FLAGS.ack), 0), OLD, 'its neighbour is not touched')
})

t.test('with two takeovers in a row each connection stays with its carrier', async (t) => {
  const ledger = ledgerOf(OLD, MIDDLE)
  ledger.olderOwnerOf(tcpFrame(2, FLAGS.syn), 0)
  ledger.add(NEW)
  ledger.olderOwnerOf(tcpFrame(3, FLAGS.syn), 0)
  t.equal(ledger.olderOwnerOf(tcpFrame(1, FLAGS.ack), 0), OLD)
  t.equal(ledger.olderOwnerOf(tcpFrame(2, FLAGS.ack), 0), MIDDLE)
  t.equal(ledger.olderOwnerOf(tcpFrame(3, FLAGS.ack), 0), undefined)
})

t.test('what a dead carrier had goes to those that are left', async (t) => {
  const ledger = ledgerOf(OLD, NEW)
  ledger.delete(OLD)
  t.equal(ledger.isKept, false)
  t.equal(ledger.olderOwnerOf(tcpFrame(1, FLAGS.ack), 0), undefined)
})

t.test('datagrams go to the newest carrier at once', async (t) => {
  const ledger = ledgerOf(OLD, NEW)
  t.equal(ledger.olderOwnerOf(udpFrame(Buffer.from('query')), 0), undefined)
})

t.test(
  'a SYN that comes again keeps its connection with the newest, an answer to one is no opening',
  async (t) => {
    const ledger = ledgerOf(OLD, NEW)
    t.equal(ledger.olderOwnerOf(tcpFrame(2, FLAGS.syn), 0), undefined)
    t.equal(ledger.olderOwnerOf(tcpFrame(2, FLAGS.syn), 0), undefined)
    t.equal(ledger.olderOwnerOf(tcpFrame(4, FLAGS.synAck), 0), OLD)
  },
)

t.test('finds the connection behind other bytes of a batch, and in IPv6', async (t) => {
  const ledger = ledgerOf(OLD, NEW)
  const ipv4 = Buffer.concat([Buffer.alloc(1000, 0xff), tcpFrame(2, FLAGS.syn)])
  t.equal(ledger.olderOwnerOf(ipv4, 1000), undefined)
  t.equal(ledger.olderOwnerOf(tcpFrame(2, FLAGS.ack), 0), undefined)
  const ipv6 = Buffer.alloc(10 + 40 + 20)
  ipv6[10] = 0x60
  ipv6[10 + 6] = 6
  ipv6[10 + 40 + 13] = FLAGS.ack
  t.equal(ledger.olderOwnerOf(ipv6, 0), OLD)
  ipv6[10 + 40 + 13] = FLAGS.syn
  t.equal(ledger.olderOwnerOf(ipv6, 0), undefined)
  ipv6[10 + 40 + 13] = FLAGS.ack
  t.equal(ledger.olderOwnerOf(ipv6, 0), undefined)
})
