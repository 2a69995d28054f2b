import { createOutboundMetrics, OutboundRefusal } from '@reversed-vpn/shoot-client/testing'
import { Registry } from 'prom-client'
import t from 'tap'

type Log = Parameters<typeof createOutboundMetrics>[0]['log']

function create() {
  const registry = new Registry()
  const lines: { level: string; [field: string]: unknown }[] = []
  const at = (level: string) => (fields: object, message: string) => lines.push({ level, ...fields, message })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log
  const metrics = createOutboundMetrics({ registry, prefix: 'x_', log })
  const read = async (name: string) => {
    const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(`x_outbound_${name} `))
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  const refuse = (refusal: OutboundRefusal) => metrics.events.onRefused(refusal.reason, refusal)
  return { ...metrics, lines, read, refuse }
}

t.test('all of it stands at zero before anything is dialled', async (t) => {
  const { read } = create()
  for (const end of [
    'caller-closed',
    'target-closed',
    'caller-reset',
    'target-reset',
    'caller-timed-out',
    'target-timed-out',
  ])
    t.equal(await read(`ended_total{end="${end}"}`), 0, end)
  for (const name of ['dial_seconds_count', 'open_connections', 'running_dials'])
    t.equal(await read(name), 0, name)
})

t.test('dials are timed, and ends are counted in the words of the access log', async (t) => {
  const { events, read } = create()
  events.onDialled(0.004)
  events.onDialled(7)
  t.equal(await read('dial_seconds_count'), 2)
  t.equal(await read('dial_seconds_bucket{le="0.005"}'), 1)
  t.equal(await read('dial_seconds_bucket{le="10"}'), 2)
  events.onEnded('target-broke')
  events.onEnded('client-timed-out')
  events.onEnded('target-broke')
  t.equal(await read('ended_total{end="target-reset"}'), 2)
  t.equal(await read('ended_total{end="caller-timed-out"}'), 1)
  t.equal(await read('ended_total{end="caller-reset"}'), 0)
})

t.test('what runs now is asked for when it is read', async (t) => {
  const { observe, read } = create()
  const targets = { streams: 3, dials: 2 }
  observe(targets)
  t.same([await read('open_connections'), await read('running_dials')], [3, 2])
  targets.streams = 0
  targets.dials = 1
  t.same([await read('open_connections'), await read('running_dials')], [0, 1])
})

t.test('a flood of refusals is one line for each reason', (t) => {
  const { lines, refuse } = create()
  for (let count = 0; count < 100; count++)
    refuse(new OutboundRefusal('prohibited', '10.0.0.1 is outside the networks'))
  refuse(new OutboundRefusal('refused', 'nobody listens'))
  t.strictSame(lines, [
    {
      level: 'warn',
      reason: 'prohibited',
      detail: '10.0.0.1 is outside the networks',
      message: 'stream refused',
    },
    { level: 'debug', reason: 'refused', detail: 'nobody listens', message: 'stream refused' },
  ])
  t.end()
})

t.test('a fault of the daemon is logged with what it was, of which the seed side is not told', (t) => {
  const { lines, refuse } = create()
  const fault = new TypeError('no such thing')
  const refusal = OutboundRefusal.of(fault)
  refuse(refusal)
  t.notMatch(refusal.detail, /no such thing/)
  t.equal(lines[0]?.level, 'warn')
  t.equal(lines[0]?.err, fault)
  t.end()
})
