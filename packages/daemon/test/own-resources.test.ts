import { ownResources } from '@reversed-vpn/daemon'
import t from 'tap'

t.test('what a process may use is asked of the kernel', async (t) => {
  const { descriptors, memoryBytes } = ownResources()
  t.ok(descriptors >= 256)
  t.ok(memoryBytes >= 0)
})
