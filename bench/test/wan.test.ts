import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseOptions } from '../cli/options.js'
import { writeReport } from '../cli/write-report.js'
import { addResults, checkAddable, nextRepetition } from '../wan/add-results.js'
import { WAN_LINKS } from '../wan/wan-links.js'
import { findWanGaps, type WanResults, type WanSample } from '../wan/wan-results.js'
import { judgeWan } from '../wan/wan-targets.js'
import { smokeVariantsOf, variantName, variantsOf, WAN_PEERS } from '../wan/wan-variants.js'
import { sampleResults } from './sample-results.js'

const VALUES = {
  oneStreamMegabits: 250,
  eightStreamsMegabits: 400,
  idlePingMs: 50,
  loadedPingP50AboveMs: -0.1,
  loadedPingP95AboveMs: 12,
  pageMs: 111,
}

function sampleOf(linkName: string, repetition: number, more: Partial<WanSample> = {}): WanSample {
  const startedAt = '2026-01-01T00:00:00.000Z'
  return { linkName, variant: 'ours bbr/cubic', repetition, startedAt, values: VALUES, commands: [], ...more }
}

function resultsOf(samples: readonly WanSample[]): WanResults {
  const { environment, settings } = sampleResults([1], [1])
  return {
    environment,
    settings: { ...settings, repetitions: 2 },
    links: WAN_LINKS,
    variants: [
      {
        name: 'ours bbr/cubic',
        title: 'reversed-vpn; bbr in cubic',
        peer: 'ours',
        inner: 'bbr',
        outer: 'cubic',
      },
    ],
    samples,
  }
}

t.test(
  'every tunnel is measured with each congestion control inside and outside, no tunnel with each inside',
  async (t) => {
    t.same(variantsOf(WAN_PEERS.slice(0, 2)).map(variantName), [
      'direct bbr',
      'direct cubic',
      'openvpn bbr/bbr',
      'openvpn bbr/cubic',
      'openvpn cubic/bbr',
      'openvpn cubic/cubic',
    ])
  },
)

t.test('a smoke run has one variant of each peer', async (t) => {
  t.same(
    smokeVariantsOf(WAN_PEERS).map(({ peer }) => peer),
    WAN_PEERS,
  )
})

t.test('links and peers of wan are chosen by name, and are not those of the comparison', async (t) => {
  const { command, wanLinks, wanPeers } = parseOptions(['wan', '--only', '10ms', '--peers', 'ours-lanes-4'])
  t.equal(command, 'wan')
  t.match(wanLinks, [{ name: '10ms', roundTripMs: 10 }])
  t.match(wanPeers, [{ name: 'ours-lanes-4' }])
  t.throws(() => parseOptions(['wan', '--only', 'ping-pong']), {
    message: /^--only "ping-pong": expected some of 50ms,/,
  })
  t.throws(() => parseOptions(['--only', '10ms']), { message: /^--only "10ms": expected some of tcp-1/ })
})

t.test(
  'failures, zeros and packets that the link missed are gaps; a ping faster than the idle ones is not',
  async (t) => {
    t.same(findWanGaps(resultsOf([sampleOf('50ms', 0)])), [])
    const direction = {
      ...{
        packets: 9,
        bytes: 9,
        delivered: 9,
        deliveredBytes: 9,
        lost: 0,
        dropped: 0,
        inFlight: 0,
        missed: 3,
      },
      queueDelayMs: { mean: 0, max: 0 },
      latenessMs: { mean: 0, max: 0 },
    }
    const gaps = findWanGaps(
      resultsOf([
        sampleOf('50ms', 0, { error: 'iperf3 hung' }),
        sampleOf('10ms', 0, { values: { ...VALUES, pageMs: 0 } }),
        sampleOf('10ms', 1, { link: { toShoot: direction, toSeed: { ...direction, missed: 0 } } }),
      ]),
    )
    t.same(gaps, [
      '50ms, ours bbr/cubic #1: iperf3 hung',
      '10ms, ours bbr/cubic #1: pageMs is 0',
      '10ms, ours bbr/cubic #2: the link was too slow for 3 packets',
    ])
  },
)

t.test('the report has a table for each link, and pictures where several losses were measured', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reversed-vpn-wan-report-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const slower = { ...VALUES, oneStreamMegabits: 150 }
  const results = resultsOf([
    sampleOf('50ms', 0),
    sampleOf('50ms', 1, { values: slower }),
    sampleOf('50ms-loss-1', 0, { values: {}, error: 'iperf3 hung\nand more' }),
  ])
  const text = await writeReport(dir, 'wan.json', results)
  t.same((await readdir(join(dir, 'bench'))).sort(), ['wan-loss-1.svg', 'wan-loss-8.svg', 'wan.json'])
  const page = await readFile(join(dir, 'performance.md'), 'utf8')
  t.ok(page.includes(text))
  t.match(page, '(bench/wan-loss-1.svg)')
  t.match(page, '### 50 ms, 500 Mbit/s, no loss, 2 measurements\n')
  t.match(page, '| reversed-vpn; bbr in cubic | 200 (150–250) |')
  t.match(page, '- 50ms-loss-1, ours bbr/cubic, repetition 1: iperf3 hung\n')
  t.match(await readFile(join(dir, 'bench', 'wan-loss-1.svg'), 'utf8'), /^<svg .*bbr in cubic.*<\/svg>$/s)
  t.same(JSON.parse(await readFile(join(dir, 'bench', 'wan.json'), 'utf8')), results)

  const [first] = WAN_LINKS
  const alone = { ...results, links: first === undefined ? [] : [first] }
  t.notMatch(await writeReport(dir, 'wan.json', alone), '.svg')
})

t.test('a further run of the same commit is added to an earlier one', async (t) => {
  const earlier = resultsOf([sampleOf('50ms', 0), sampleOf('10ms', 0)])
  t.equal(nextRepetition(earlier), 1, 'so that it loses other packets')
  t.equal(nextRepetition(resultsOf([])), 0)
  const later = { ...resultsOf([sampleOf('50ms', 1)]), links: WAN_LINKS.slice(0, 1) }
  checkAddable(earlier, later)
  const all = addResults(earlier, later)
  t.same(all.links, WAN_LINKS)
  t.same(all.variants, earlier.variants)
  t.same(all.samples, [...earlier.samples, ...later.samples])

  const { environment, settings } = later
  const other = { settings, environment: { ...environment, commit: 'abc' } }
  t.throws(() => checkAddable(earlier, other), {
    code: 'ERR_BENCH_USAGE',
    message: /^--add: this is commit abc, /,
  })
  const longer = { environment, settings: { ...settings, seconds: settings.seconds + 1 } }
  t.throws(() => checkAddable(earlier, longer), { code: 'ERR_BENCH_USAGE' })
})

t.test('targets are judged by the ratios within each repetition', async (t) => {
  const variants = ['openvpn', 'ours', 'ours-lanes-4'].map((peer) => `${peer} bbr/bbr`)
  const valuesOf = (variant: string, repetition: number) =>
    variant.startsWith('openvpn')
      ? {
          ...VALUES,
          idlePingMs: 128,
          loadedPingP95AboveMs: -28,
          eightStreamsMegabits: 100 * (repetition + 1),
        }
      : { ...VALUES, eightStreamsMegabits: 320 * (repetition + 1) }
  const samples = ['50ms-loss-0.1', '50ms-200mbit'].flatMap((link) =>
    variants.flatMap((variant) =>
      [0, 1].map((repetition) =>
        sampleOf(link, repetition, { variant, values: valuesOf(variant, repetition) }),
      ),
    ),
  )
  t.match(judgeWan(resultsOf(samples)), [
    { title: /^8 TCP streams/, measured: '3.20 (3.20–3.20)', isMet: true, stretch: { isMet: true } },
    {
      title: /above idle, .*: ours$/,
      measured: '12.00 (12.00–12.00)',
      isMet: true,
      stretch: { isMet: false },
    },
    { title: /above idle, .*: ours-lanes-4$/ },
    {
      title: /^ping p95 under load, 50 ms, 200 Mbit.s.*: ours .* openvpn$/,
      measured: /^0.62 /,
      isMet: true,
    },
    { title: /^ping p95/ },
    { title: /^the load/, measured: /^1.00 /, isMet: true },
    { title: /^the load/ },
  ])
})
