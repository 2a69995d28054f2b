import { EventEmitter, once } from 'node:events'
import type { ForeignDrop } from '@reversed-vpn/host-network'
import { watchForeignDrops } from '@reversed-vpn/tunnel-daemon/testing'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'

const DOCKER: ForeignDrop = { hook: 'forward', name: 'ip filter FORWARD' }
const HOST: ForeignDrop = { hook: 'input', name: 'inet filter input' }
const NEVER_MS = 2 ** 30

/** A watch of firewalls in memory: what it says is heard as `warn` and `info`, and a look as `look`. */
function setUp(t: Test, intervalMs: number) {
  const registry = new Registry()
  const heard = new EventEmitter()
  const state = { found: [DOCKER], change: () => {} }
  const watch = watchForeignDrops({
    registry,
    prefix: 'x_',
    tun: 'vpn0',
    log: {
      info: (fields, message) => heard.emit('info', fields, message),
      warn: (fields, message) => heard.emit('warn', fields, message),
    },
    find: async (tun) => {
      heard.emit('look', tun)
      return state.found
    },
    watchEvents: (onChange) => {
      state.change = onChange
      return { close: () => {} }
    },
    intervalMs,
    settleMs: 1,
  })
  t.teardown(() => watch.close())
  return { registry, heard, state }
}

t.test('firewalls of others are counted, and named when one comes and when the last is gone', async (t) => {
  const { registry, heard, state } = setUp(t, 5)
  t.strictSame(await once(heard, 'warn'), [
    { chains: ['ip filter FORWARD (hook forward)'] },
    'another firewall drops by default',
  ])
  const text = await registry.metrics()
  t.match(text, 'x_network_foreign_drop_chains{hook="forward"} 1')
  t.match(text, 'x_network_foreign_drop_chains{hook="output"} 0')
  state.found = [DOCKER, HOST]
  const [{ chains }] = await once(heard, 'warn')
  t.strictSame(chains, ['ip filter FORWARD (hook forward)', 'inet filter input (hook input)'])
  state.found = []
  t.strictSame(await once(heard, 'info'), [{ tun: 'vpn0' }, 'no other firewall drops by default any more'])
})

t.test('a change is looked at without waiting for the next turn, many changes once', async (t) => {
  const { heard, state } = setUp(t, NEVER_MS)
  await once(heard, 'warn')
  state.found = [DOCKER, HOST]
  let looks = 0
  heard.on('look', () => {
    looks += 1
  })
  for (let changes = 0; changes < 100; changes++) state.change()
  await once(heard, 'warn')
  t.equal(looks, 1)
})
