import { PacketChecker } from '@reversed-vpn/protocol'
import { test } from 'tap'
import { allocatedBytes } from '../allocated-bytes.js'
import {
  frame,
  NO_OFFLOAD,
  TCP,
  TCP4_GSO,
  TCP6_GSO,
  TO_POD4,
  TO_POD6,
  TO_SHOOT,
  UDP4_PACKET,
} from './packet-samples.js'

const PAYLOADS = [
  frame(`${TCP4_GSO} 4500 fa00 0001 4000 4006 0000 ${TO_POD4} ${TCP}`, 10 + 0xfa00),
  frame(`${TCP6_GSO} 6000 0000 fa00 0640 ${TO_POD6} ${TCP}`, 50 + 0xfa00),
  frame(`${NO_OFFLOAD} ${UDP4_PACKET}`),
  frame(`${NO_OFFLOAD} ${UDP4_PACKET.replace('c0a87b01', 'ffffffff')}`),
]
const ROUNDS = 25_000

// The least that an object takes is 16 B. Measured on 2026-11-22, Node 20.20, x64: 3,832 B for 100,000 checks, which is the
// measuring itself.
const MAX_HEAP_BYTES_PER_CHECK = 4

test('allocates nothing per packet', async (t) => {
  const checker = new PacketChecker(TO_SHOOT)
  const limitBytes = ROUNDS * PAYLOADS.length * MAX_HEAP_BYTES_PER_CHECK
  let verdicts = 0
  const leastBytes = allocatedBytes(limitBytes, () => {
    verdicts = 0
    for (let index = 0; index < ROUNDS; index++) {
      for (const payload of PAYLOADS) {
        verdicts += checker.check(payload, 0, payload.length, payload.length)
      }
    }
  })
  t.equal(verdicts, ROUNDS * 16, 'three pass, one has a wrong source')
  t.comment(`${leastBytes} B of heap for ${ROUNDS * PAYLOADS.length} checks`)
  t.ok(leastBytes < limitBytes, `${leastBytes} B of heap`)
})
