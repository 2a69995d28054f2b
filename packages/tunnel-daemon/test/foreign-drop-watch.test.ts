import { EventEmitter, once } from 'node:events'
import type { ForeignDrop } from '@reversed-vpn/host-network'
import { watchForeignDrops } from '@reversed-vpn/tunnel-daemon/testing'
import { Registry } from 'prom-client'
import t from 'tap'

const DOCKER: ForeignDrop = { hook: 'forward', name: 'ip filter FORWARD' }
const HOST: ForeignDrop = { hook: 'input', name: 'inet filter input' }

t.test('firewalls of others are counted, and named when one comes', async (t) => {
  const registry = new Registry()
  const heard = new EventEmitter()
  let found = [DOCKER]
  const watch = watchForeignDrops({
    registry,
    prefix: 'x_',
    log: { warn: (fields, message) => heard.emit('warning', { ...fields, message }) },
    find: async () => found,
    intervalMs: 5,
  })
  t.teardown(() => watch.close())
  const [first] = await once(heard, 'warning')
  t.strictSame(first, { chains: [DOCKER.name], message: 'another firewall drops by default' })
  const text = await registry.metrics()
  t.match(text, 'x_network_foreign_drop_chains{hook="forward"} 1')
  t.match(text, 'x_network_foreign_drop_chains{hook="output"} 0')
  found = [DOCKER, HOST]
  const [second] = await once(heard, 'warning')
  t.strictSame(second.chains, [DOCKER.name, HOST.name])
})
