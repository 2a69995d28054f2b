import { spreadOf } from '../src/measure/statistics.js'
import { type Part, type Picture, showPictures } from '../src/report/part.js'
import { figure, table } from '../src/report/table.js'
import { verdictTable } from '../src/report/verdict.js'
import { repetitionsOf } from './add-results.js'
import { PAGE_REQUESTS } from './load-page.js'
import { drawLossChart, wanSamplesOf } from './loss-chart.js'
import { describeLink, type WanLinkSetting } from './wan-links.js'
import { WAN_FIGURES, type WanFigure, type WanResults } from './wan-results.js'
import { judgeWan } from './wan-targets.js'

const PICTURES = [
  { figure: 'oneStreamMegabits', title: 'One TCP stream, 50 ms, 500 Mbit/s', fileName: 'wan-loss-1.svg' },
  {
    figure: 'eightStreamsMegabits',
    title: 'Eight TCP streams, 50 ms, 500 Mbit/s',
    fileName: 'wan-loss-8.svg',
  },
] as const

/** What delay and loss do to each way of congestion control. */
export function wanPart(results: WanResults): Part {
  const pictures = PICTURES.flatMap(({ figure: what, title, fileName }) => {
    const svg = drawLossChart(results, what, title)
    return svg === undefined ? [] : [{ title, fileName, svg }]
  })
  return { text: renderText(results, pictures), pictures }
}

function renderText(results: WanResults, pictures: readonly Picture[]): string {
  const { environment, settings, links } = results
  const sections = [
    '## Over a long way',
    [
      `- commit ${environment.commit}${environment.isDirty ? ', with changes that are in no commit' : ''}; ${environment.startedAt}; \`${settings.command}\``,
      `- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}; ${Object.values(environment.programs).join('; ')}`,
      '- caller → seed → internet → node → pod; the cable between internet and node is [a link](../test/lab/wan) with delay, rate and loss in both directions and queues of one round trip; its program shares the machine',
      `- median (least–most) of as many measurements of ${settings.seconds} s as each link says; "bbr in cubic": the connections inside the tunnel use BBR, those of the tunnel itself CUBIC; socket buffers as the kernel sets them`,
      `- ping under load: during the one stream, of a flow that was there before it, above the idle median; page: ${PAGE_REQUESTS} small requests at once, each over a new connection, until the last answer`,
      errorOfLink(results),
    ].join('\n'),
    targets(results),
    ...links.map((link) => `${linkTitle(results, link)}\n\n${linkTable(results, link)}`),
    showPictures(pictures),
    failures(results),
    commandLines(results),
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

function targets(results: WanResults): string {
  const verdicts = judgeWan(results)
  return verdicts.length === 0 ? '' : `### Targets over a long way\n\n${verdictTable(verdicts)}`
}

function linkTitle({ samples }: WanResults, link: WanLinkSetting): string {
  const count = repetitionsOf(samples, link.name)
  return `### ${describeLink(link)}, ${count === 1 ? 'one measurement' : `${count} measurements`}`
}

function linkTable(results: WanResults, link: WanLinkSetting): string {
  const keys = Object.keys(WAN_FIGURES) as WanFigure[]
  const rows = results.variants.map(({ name, title }) => [
    title,
    ...keys.map((key) => {
      const spread = spreadOf(wanSamplesOf(results, link.name, name, key))
      if (spread === undefined) return '–'
      return spread.count === 1
        ? figure(spread.median)
        : `${figure(spread.median)} (${figure(spread.min)}–${figure(spread.max)})`
    }),
  ])
  return table(['', ...Object.values(WAN_FIGURES)], rows)
}

/** How far the link itself can be trusted. */
function errorOfLink({ samples }: WanResults): string {
  const ways = samples.flatMap(({ link }) => (link === undefined ? [] : [link.toShoot, link.toSeed]))
  const most = (values: readonly number[]) => Math.max(0, ...values)
  const late = figure(most(ways.map(({ latenessMs }) => latenessMs.mean)))
  const missed = ways.reduce((sum, way) => sum + way.missed, 0)
  const share = (100 * most(samples.map(({ linkShare = 0 }) => linkShare))).toFixed(0)
  const stolen = (100 * most(samples.map(({ stolenShare = 0 }) => stolenShare))).toFixed(1)
  return `- the link delivered at most ${late} ms late on average of a measurement, missed ${missed} packets, and took at most ${share} % of the processors, the hypervisor ${stolen} %`
}

function failures({ samples }: WanResults): string {
  const failed = samples.filter(({ error }) => error !== undefined)
  if (failed.length === 0) return ''
  const lines = failed.map(({ linkName, variant, repetition, error = '' }) => {
    return `- ${linkName}, ${variant}, repetition ${repetition + 1}: ${error.split('\n')[0]}`
  })
  return `### Measurements that failed\n\n${lines.join('\n')}`
}

function commandLines({ variants, samples }: WanResults): string {
  const lines = variants.map(({ name, title }) => {
    const sample = samples.find(({ variant, error }) => variant === name && error === undefined)
    return [`# ${title}`, ...(sample?.commands ?? [])].join('\n')
  })
  return `### Command lines\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\``
}
