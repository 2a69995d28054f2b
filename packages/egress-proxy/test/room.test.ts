import { ownResources, roomForStreams, roomForWaiting } from '@reversed-vpn/egress-proxy/testing'
import t from 'tap'

const MIB = 2 ** 20

t.test('there is room for as many streams as memory and descriptors allow beside the tunnel', async (t) => {
  for (const [descriptors, memoryMiB, streams] of [
    [1_048_576, 0, 5000],
    [20_000, 0, 5000],
    [1_048_576, 300, 2752],
    [1_048_576, 100, 400],
    [1_048_576, 2000, 5000],
    [4096, 0, 896],
    [1024, 300, 224],
  ] as const) {
    const resources = { descriptors, memoryBytes: memoryMiB * MIB }
    t.equal(roomForStreams(resources), streams, `${descriptors} descriptors, ${memoryMiB} MiB`)
    const used = 2 * streams + roomForWaiting(resources)
    t.ok(used <= (descriptors * 15) / 16, 'the tunnel has descriptors left')
  }
})

t.test('it asks the kernel', async (t) => {
  const { descriptors, memoryBytes } = ownResources()
  t.ok(descriptors >= 256)
  t.ok(memoryBytes >= 0)
})
