import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { writeReport } from '../cli/write-report.js'
import { comparisonPart } from '../compare-peers/comparison-part.js'
import { drawPictures } from '../compare-peers/pictures.js'
import { figure } from '../report/table.js'
import { sampleResults } from './sample-results.js'

t.test('the page shows median, minimum and maximum of every peer', async (t) => {
  const page = comparisonPart(sampleResults([0.5, 0.4, 0.6], [5, 6, 5.5])).text
  t.match(page, '| 1 TCP stream, caller → pod: received, Gbit/s | 0.500 (0.400–0.600) | 5.50 (5.00–6.00) |')
})

t.test('the page shows machine and programs', async (t) => {
  const page = comparisonPart(sampleResults([1], [10])).text
  for (const text of [
    '0123456789abcdef',
    'v20.20.2',
    'Linux 6.18.0',
    'a processor',
    'bbr',
    'iperf3 --client',
  ]) {
    t.match(page, text)
  }
})

t.test('the page lists measurements that failed', async (t) => {
  const results = sampleResults([1], [10])
  const samples = results.samples.map((sample) => ({ ...sample, values: {}, error: 'iperf3 hung\nand more' }))
  t.match(comparisonPart({ ...results, samples }).text, '- tcp-1-to-shoot, ours, repetition 1: iperf3 hung\n')
})

t.test('there is a picture for what was measured and none for what was not', async (t) => {
  const pictures = drawPictures(sampleResults([1], [10]))
  t.same(
    pictures.map(({ fileName }) => fileName),
    ['throughput.svg', 'cpu.svg', 'memory.svg'],
  )
  for (const { svg } of pictures) t.match(svg, /^<svg .*reversed-vpn.*<\/svg>$/s)
})

t.test('the page has every section that was measured, whichever was last', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reversed-vpn-report-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const { environment, ...results } = sampleResults([1], [10])
  const round = { allUpAfterSeconds: 8, lost: 0, gatewayPeakRssBytes: 120e6, gatewayCpuSeconds: 2 }
  const waits = { attempts: 100, p50Ms: 1, p99Ms: 2, maxMs: 3 }
  await writeReport(dir, 'storm.json', {
    environment,
    tunnels: 9,
    seedServers: 1,
    rounds: [{ ...round, ...waits }],
  })
  const text = await writeReport(dir, 'results.json', { environment, ...results })
  const page = await readFile(join(dir, 'performance.md'), 'utf8')
  t.ok(page.includes(text))
  t.match(page, /^# Performance\n.*^## Comparison with other tunnels\n.*^## Reconnect storm\n/ms)
  t.match(page, '(bench/throughput.svg)')
  t.match(await readdir(join(dir, 'bench')), [
    'cpu.svg',
    'memory.svg',
    'results.json',
    'storm.json',
    'throughput.svg',
  ])
})

t.test('round trips under load have a picture of their distribution', async (t) => {
  const results = sampleResults([1], [10])
  const name = 'rtt-under-load-to-shoot'
  const samples = results.samples.map((sample) => ({
    ...sample,
    scenario: name,
    values: { percentile1Ms: 1, percentile50Ms: 4, percentile99Ms: 20 },
  }))
  const scenarios = results.scenarios.map((scenario) => ({ ...scenario, name, title: 'ping under load' }))
  const picture = drawPictures({ ...results, scenarios, samples }).find(({ fileName }) =>
    fileName.endsWith('-distribution.svg'),
  )
  t.match(picture?.svg, /^<svg .*share of the round trips.*<\/svg>$/s)
})

t.test('what a peer was not measured in is listed with the reason', async (t) => {
  const skipped = [{ scenario: 'udp-64-to-shoot', peer: 'openvpn', reason: 'relays no packets' }]
  const { text } = comparisonPart({ ...sampleResults([1], [10]), skipped })
  t.match(text, '- OpenVPN: relays no packets. Not measured: udp-64-to-shoot')
})

t.test('figures have three significant digits and no exponent', async (t) => {
  t.same([0.12345, 1.2345, 123.45, 12345.6, 0, Number.NaN].map(figure), [
    '0.123',
    '1.23',
    '123',
    '12346',
    '0',
    '–',
  ])
})
