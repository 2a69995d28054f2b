import {
  memoryForConnections,
  podMemoryBytes,
  roomForBulk,
  roomForConnections,
} from '@reversed-vpn/sni-gateway/testing'
import t from 'tap'

const MIB = 2 ** 20

t.test('there is room for as many connections as memory and descriptors allow', async (t) => {
  for (const [descriptors, memoryMiB, connections] of [
    [1_048_576, 0, 8000],
    [1_048_576, 300, 2632],
    [1_048_576, 100, 350],
    [1_048_576, 4000, 8000],
    [4096, 0, 1920],
  ] as const) {
    const memoryMax = memoryForConnections({ memoryBytes: memoryMiB * MIB })
    const room = roomForConnections({ descriptors }, memoryMax)
    t.equal(room, connections, `${descriptors} descriptors, ${memoryMiB} MiB`)
  }
})

t.test('bulk has its part of the memory, however little that is', async (t) => {
  for (const memoryMiB of [64, 300, 4000]) {
    const memoryMax = memoryForConnections({ memoryBytes: memoryMiB * MIB })
    t.ok(roomForBulk(memoryMax) > 0)
    t.ok(2 * roomForBulk(memoryMax) <= memoryMax / 8)
  }
})

t.test('a pod has memory for two lanes of two thousand shoots', async (t) => {
  const memoryMax = memoryForConnections({ memoryBytes: podMemoryBytes() })
  t.ok(roomForConnections({ descriptors: 1_048_576 }, memoryMax) >= 4000)
})
