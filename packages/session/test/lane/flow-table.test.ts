import { BULK_FLOW_BYTES, BULK_FLOW_BYTES_PER_MS, FlowTable } from '@reversed-vpn/session/testing'
import t from 'tap'

const FLOW = 1
const OTHER = 2
const GSO_PACKET_BYTES = 65_226

t.test('a flow is bulk once it has sent more than a page or two', async (t) => {
  const table = new FlowTable()
  table.add(FLOW, GSO_PACKET_BYTES, 1000)
  t.notOk(table.isBulk(FLOW, 1000))
  table.add(FLOW, GSO_PACKET_BYTES, 1001)
  t.ok(table.isBulk(FLOW, 1001))
  t.notOk(table.isBulk(OTHER, 1001), 'no other flow is')
})

t.test('a flow that sends little all the time never is', async (t) => {
  const table = new FlowTable()
  let nowMs = 1000
  for (let packet = 0; packet < 10_000; packet++) {
    table.add(FLOW, 0.9 * BULK_FLOW_BYTES_PER_MS, nowMs)
    nowMs++
  }
  t.notOk(table.isBulk(FLOW, nowMs))
})

t.test('however much it has sent, it is sparse again after the same time', async (t) => {
  const quietMs = (2 * BULK_FLOW_BYTES) / BULK_FLOW_BYTES_PER_MS
  const table = new FlowTable()
  for (let packet = 0; packet < 10_000; packet++) table.add(FLOW, GSO_PACKET_BYTES, 1000)
  t.ok(table.isBulk(FLOW, 1000 + quietMs - 1))
  t.notOk(table.isBulk(FLOW, 1000 + quietMs))
})

t.test('one that pauses between bursts stays bulk, until it has made up for all it sent', async (t) => {
  const table = new FlowTable()
  table.add(FLOW, 1.5 * BULK_FLOW_BYTES, 1000)
  const madeUpMs = 1000 + Math.ceil((1.5 * BULK_FLOW_BYTES) / BULK_FLOW_BYTES_PER_MS)
  t.ok(table.isBulk(FLOW, madeUpMs - 1))
  t.notOk(table.isBulk(FLOW, madeUpMs))
  table.add(FLOW, 1, madeUpMs)
  t.notOk(table.isBulk(FLOW, madeUpMs), 'and then begins anew')
})

t.test('flows with negative numbers are as good as others', async (t) => {
  const table = new FlowTable()
  table.add(-1, 2 * BULK_FLOW_BYTES, 1000)
  t.ok(table.isBulk(-1, 1000))
})
