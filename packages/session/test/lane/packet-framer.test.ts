import { DROP_REASONS, FRAME_HEADER_BYTES } from '@reversed-vpn/protocol'
import { createLaneCounters, FlowSteering, FlowTable, PacketFramer } from '@reversed-vpn/session/testing'
import t from 'tap'
import { checkers, gsoFrame, memoryPair, udpFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

t.test('drops and counts what the rules do not allow, and nothing else', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shootTun } = joinLanes(streams)
  seed.startSending()
  seedTun.hostSends(udpFrame(Buffer.from('first')))
  seedTun.hostSends(udpFrame(Buffer.from('elsewhere'), { destination: '8.8.8.8' }))
  seedTun.hostSends(udpFrame(Buffer.from('last')))
  const received: Uint8Array[] = []
  await until(() => received.push(...shootTun.takeReceived()) >= 2)
  t.same(
    received.map((frame) => Buffer.from(frame.subarray(38)).toString()),
    ['first', 'last'],
  )
  t.equal(seed.counters.toPeer.drops[DROP_REASONS.indexOf('destination')], 1)
})

t.test('finishes in software what the peer would refuse as it is', async (t) => {
  const counters = createLaneCounters().toPeer
  const { toShoot } = checkers(['checksum'])
  const framer = new PacketFramer({
    checker: toShoot,
    counters,
    steering: new FlowSteering(0, new FlowTable()),
  })
  const payload = gsoFrame(Buffer.alloc(3 * 1448, 'x'))
  const buffer = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), payload])
  t.equal(framer.frameBatch(buffer, 1, Uint32Array.of(payload.length)), 0, 'nothing goes with the batch')
  const repaired = framer.takeRepaired()
  t.equal(repaired?.length, 3 * (FRAME_HEADER_BYTES + 10 + 40 + 1448))
  t.match(counters, { packets: 3, repaired: 1 })
  t.equal(framer.takeRepaired(), undefined, 'once')
})

t.test('closes the gaps of packets that are not sent', async (t) => {
  const { toShoot } = checkers()
  const counters = createLaneCounters().toPeer
  const framer = new PacketFramer({
    checker: toShoot,
    counters,
    steering: new FlowSteering(0, new FlowTable()),
  })
  const payloads = ['first', 'redirected', 'last'].map((text) => udpFrame(Buffer.from(text)))
  const room = Buffer.alloc(FRAME_HEADER_BYTES)
  framer.redirect = (bytes, offset, length) => bytes.subarray(offset, offset + length).includes('redirected')
  const buffer = Buffer.concat(payloads.flatMap((payload) => [room, payload]))
  const end = framer.frameBatch(buffer, 3, Uint32Array.from(payloads.map(({ length }) => length)))
  const sent = buffer.subarray(0, end)
  t.notOk(sent.includes('redirected'))
  t.equal(sent.indexOf('last'), end - 'last'.length)
  t.equal(counters.packets, 2)
})
