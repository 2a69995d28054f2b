import { createStreamMetrics } from '@reversed-vpn/tunnel-daemon/testing'
import { Registry } from 'prom-client'
import t from 'tap'

/** A multiplexer that has sent so many bytes, and ended one stream of two. */
function multiplexer(sentBytes: number) {
  return {
    snapshot: () => ({
      open: 1,
      opened: 2,
      refused: new Map([['refused', 3]]),
      ended: new Map([['lanes-lost', 1]]),
      sentBytes,
      receivedBytes: 5,
      resentFrames: 7,
      keptBytes: 100,
      heldBytes: 10,
    }),
  }
}

async function read(registry: Registry, name: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(`x_${name} `))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
}

t.test('each reason that there is stands at zero before anything was counted', async (t) => {
  const registry = new Registry()
  createStreamMetrics({ registry, prefix: 'x_', side: 'seed' })
  for (const name of [
    'streams_open',
    'streams_opened_total',
    'streams_refused_total{reason="out-of-descriptors"}',
    'streams_ended_total{end="finished"}',
    'streams_ended_total{end="lanes-lost"}',
    'streams_bytes_total{direction="toShoot"}',
    'streams_resent_frames_total',
    'streams_unread_bytes',
  ])
    t.equal(await read(registry, name), 0, name)
})

t.test('what a multiplexer has counted stays counted when it ends, and what it held is gone', async (t) => {
  const registry = new Registry()
  const totals = createStreamMetrics({ registry, prefix: 'x_', side: 'shoot' })
  const [first, second] = [multiplexer(1000), multiplexer(20)]
  totals.add(first)
  totals.add(second)
  t.equal(await read(registry, 'streams_open'), 2)
  t.equal(await read(registry, 'streams_bytes_total{direction="toSeed"}'), 1020)
  t.equal(await read(registry, 'streams_bytes_total{direction="toShoot"}'), 10)
  totals.end(first)
  totals.end(first)
  t.equal(await read(registry, 'streams_open'), 1)
  t.equal(await read(registry, 'streams_unacknowledged_bytes'), 100)
  t.equal(await read(registry, 'streams_opened_total'), 4)
  t.equal(await read(registry, 'streams_refused_total{reason="refused"}'), 6)
  t.equal(await read(registry, 'streams_ended_total{end="lanes-lost"}'), 2)
  t.equal(await read(registry, 'streams_bytes_total{direction="toSeed"}'), 1020)
})
