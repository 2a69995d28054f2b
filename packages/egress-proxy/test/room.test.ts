import {
  memoryForStreams,
  podMemoryBytes,
  roomForBulk,
  roomForStreams,
  roomForWaiting,
} from '@reversed-vpn/egress-proxy/testing'
import t from 'tap'

const MIB = 2 ** 20

t.test('there is room for as many streams as memory and descriptors allow beside the tunnel', async (t) => {
  for (const [descriptors, memoryMiB, streams] of [
    [1_048_576, 0, 5000],
    [20_000, 0, 5000],
    [1_048_576, 512, 2060],
    [1_048_576, 300, 873],
    [1_048_576, 100, 140],
    [1_048_576, 2000, 5000],
    [4096, 0, 896],
    [1024, 300, 224],
  ] as const) {
    const resources = { descriptors, memoryBytes: memoryMiB * MIB }
    const room = roomForStreams(resources, memoryForStreams(resources))
    t.equal(room, streams, `${descriptors} descriptors, ${memoryMiB} MiB`)
    const used = 2 * streams + roomForWaiting(resources)
    t.ok(used <= (descriptors * 15) / 16, 'the tunnel has descriptors left')
  }
})

t.test(
  'what streams of bulk hold beyond the rest has its part of the memory, however little that is',
  async (t) => {
    for (const memoryMiB of [64, 512, 4000]) {
      const streamBytes = memoryForStreams({ memoryBytes: memoryMiB * MIB })
      t.ok(roomForBulk(streamBytes) > 0)
      t.ok(3 * roomForBulk(streamBytes) <= streamBytes / 8)
    }
  },
)

t.test('a pod has memory for two thousand streams beside the tunnel', async (t) => {
  const streamBytes = memoryForStreams({ memoryBytes: podMemoryBytes() })
  t.ok(roomForStreams({ descriptors: 1_048_576 }, streamBytes) >= 2000)
})
