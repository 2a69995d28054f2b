import { setTimeout as delay } from 'node:timers/promises'
import { watchConntrack } from '@reversed-vpn/tunnel-daemon/testing'
import { Registry } from 'prom-client'
import t from 'tap'

t.test('shows entries and limit, and warns once each time nine tenths are in use', async (t) => {
  const registry = new Registry()
  const warnings: object[] = []
  let entries = 10
  const watch = watchConntrack({
    registry,
    prefix: 'x_',
    log: { warn: (fields, message) => warnings.push({ ...fields, message }) },
    read: async () => ({ entries, limit: 100 }),
    intervalMs: 2,
  })
  t.teardown(() => watch.close())
  const text = await registry.metrics()
  t.match(text, /^x_tunnel_conntrack_entries 10$/m)
  t.match(text, /^x_tunnel_conntrack_entries_limit 100$/m)
  for (const [seen, expected] of [
    [89, 0],
    [90, 1],
    [100, 1],
    [50, 1],
    [95, 2],
  ] as const) {
    entries = seen
    await delay(20)
    t.equal(warnings.length, expected, `${seen} of 100`)
  }
  t.match(warnings[0], { message: 'conntrack table is nearly full', entries: 90, limit: 100 })
})

t.test('shows nothing where no connection is tracked', async (t) => {
  const registry = new Registry()
  const log = { warn: () => t.fail('no warning') }
  watchConntrack({ registry, prefix: 'x_', log, read: async () => undefined }).close()
  t.notMatch(await registry.metrics(), /^x_/m)
})
