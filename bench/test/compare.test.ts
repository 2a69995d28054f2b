import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bundleBytes } from '../compare-commits/bundle-size.js'
import { judgeChanges } from '../compare-commits/judge-change.js'
import { DEFAULT_ROWS } from '../compare-commits/rows.js'
import { describeChanges } from '../compare-commits/run-compare.js'
import type { Results } from '../compare-peers/results.js'
import { sampleResults } from './sample-results.js'

/** A run of two commits with these figures, repetition by repetition. */
function compared(base: readonly number[], head: readonly number[], isHigherBetter = true): Results {
  const results = sampleResults(base, head)
  const nameOf = (name: string) => (name === 'openvpn' ? 'base' : 'head')
  return {
    ...results,
    peers: results.peers.map((peer) => ({ ...peer, name: nameOf(peer.name), title: nameOf(peer.name) })),
    scenarios: results.scenarios.map((scenario) => ({
      ...scenario,
      metrics: scenario.metrics.map((metric) => ({ ...metric, isHigherBetter })),
    })),
    samples: results.samples.map((sample) => ({ ...sample, peer: nameOf(sample.peer) })),
  }
}

t.test('a figure that is worse in every repetition, and by much in the middle, is worse', async (t) => {
  t.match(judgeChanges(compared([4, 4, 4], [3, 3.2, 3.9]), true), [{ isWorse: true, ratio: { median: 0.8 } }])
})

t.test('what one repetition saw as good as before is spread', async (t) => {
  t.match(judgeChanges(compared([4, 4, 4], [3, 3.2, 4]), true), [{ isWorse: false }])
})

t.test('up to three percent are tolerated', async (t) => {
  t.match(judgeChanges(compared([4, 4, 4], [3.85, 3.85, 3.85]), true), [{ isWorse: true }])
  t.match(judgeChanges(compared([4, 4, 4], [3.9, 3.9, 3.9]), true), [{ isWorse: false }])
})

t.test('where less is better, more is worse', async (t) => {
  t.match(judgeChanges(compared([4, 4], [5, 5], false), true), [{ isWorse: true, ratio: { median: 0.8 } }])
  t.match(judgeChanges(compared([4, 4], [3, 3], false), true), [{ isWorse: false }])
})

t.test('processor time of both daemons is compared too', async (t) => {
  const results = compared([4, 4], [4, 4])
  const samples = results.samples.map((sample) => ({
    ...sample,
    cpuSecondsPerGigabyte: sample.peer === 'base' ? { seed: 1, shoot: 1 } : { seed: 2, shoot: 2 },
  }))
  t.match(judgeChanges({ ...results, samples }, true), [
    { isWorse: false },
    { title: /CPU of both daemons/, isWorse: true, ratio: { median: 0.5 } },
  ])
})

t.test('a figure that failed on one side is not compared', async (t) => {
  const results = compared([4], [4])
  const samples = results.samples.map((sample) => ({ ...sample, values: {}, error: 'hung' }))
  t.same(judgeChanges({ ...results, samples }, true), [])
})

t.test('the table tells both sides, the ratio and what is worse', async (t) => {
  const text = describeChanges(compared([4, 4], [2, 2]), true)
  t.match(
    text,
    '| 1 TCP stream, caller → pod: received, Gbit/s | 4.00 (4.00–4.00) | 2.00 (2.00–2.00) | 0.500 (0.500–0.500) | **worse** |',
  )
  t.match(text, '1 of 1.')
})

t.test('processor time is left out where it was not asked for', async (t) => {
  const results = compared([4], [4])
  const samples = results.samples.map((sample) => ({
    ...sample,
    cpuSecondsPerGigabyte: { seed: 1, shoot: 1 },
  }))
  t.equal(judgeChanges({ ...results, samples }, false).length, 1)
})

t.test(
  'without --only the rows are those of throughput, latency, CONNECTs, start, memory and size',
  async (t) => {
    t.same(
      DEFAULT_ROWS.map(({ name, metrics }) => [name, metrics.map(({ key }) => key).join()]),
      [
        ['tcp-1-to-shoot', 'gigabitsPerSecond'],
        ['tcp-1-to-seed', 'gigabitsPerSecond'],
        ['tcp-32-to-shoot', 'gigabitsPerSecond'],
        ['tcp-32-to-seed', 'gigabitsPerSecond'],
        ['ping-pong', 'p50Microseconds'],
        ['egress-connects-1', 'firstByteP50Ms'],
        ['egress-connects-16', 'connectsPerSecond'],
        ['start', 'seedHelpMs,shootHelpMs,seedHealthyMs,shootReadyMs'],
        ['idle-memory', 'seedMegabytes,shootMegabytes,bothMegabytes'],
        ['bundle-size', 'seedMegabytes,shootMegabytes'],
      ],
    )
  },
)

t.test('the size of a bundle is that of a daemon and of what it needs in production', async (t) => {
  const dir = t.testdir({
    packages: {
      daemon: {
        'package.json': JSON.stringify({
          dependencies: { '@ours/part': '1', far: '1' },
          devDependencies: { tool: '1' },
        }),
        bin: { 'daemon.js': 'x'.repeat(10) },
        src: { 'main.ts': '' },
        dist: { 'main.js': 'x'.repeat(100), 'main.d.ts': 'types', 'main.js.map': 'map', 'removed.js': 'old' },
        build: { Release: { 'tun.node': 'x'.repeat(1000), 'other.o': 'object' } },
      },
      part: { 'package.json': '{}', src: { 'a.ts': '' }, dist: { 'a.js': 'x'.repeat(10_000) } },
    },
    node_modules: {
      '@ours': { part: t.fixture('symlink', '../../packages/part') },
      far: {
        'package.json': '{"dependencies":{"near":"1"}}',
        'index.js': 'x'.repeat(100_000),
        'index.d.ts': 'types',
      },
      near: { 'package.json': '{}', 'index.js': 'x'.repeat(1_000_000) },
      tool: { 'package.json': '{}', 'index.js': 'x' },
    },
  })
  const manifests = ['packages/daemon', 'packages/part', 'node_modules/far', 'node_modules/near']
  const manifestBytes = manifests.reduce((sum, one) => sum + statSync(join(dir, one, 'package.json')).size, 0)
  t.equal(bundleBytes(dir, 'daemon'), manifestBytes + 1_111_110)
})
