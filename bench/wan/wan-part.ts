import { spreadOf } from '../measure/statistics.js'
import { type Part, type Picture, showPictures } from '../report/part.js'
import { figure, table } from '../report/table.js'
import { verdictTable } from '../report/verdict.js'
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

/** The section about delay and loss, by congestion control. */
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
    '## High-RTT paths',
    [
      `- commit ${environment.commit}${environment.isDirty ? ', with uncommitted changes' : ''}; ${environment.startedAt}; \`${settings.command}\``,
      `- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}; ${Object.values(environment.programs).join('; ')}`,
      '- Path: caller → seed → internet → node → pod. [A program](../test/lab/wan) on the same machine emulates the link between internet and node: delay, rate, loss, and a queue of one round trip in each direction.',
      `- Median (min–max) of measurements of ${settings.seconds} s; the heading of each link has their number. "bbr in cubic": connections inside the tunnel use BBR, those of the tunnel itself CUBIC. Socket buffers have the kernel's defaults.`,
      `- Ping under load: milliseconds above the idle median during the one stream; the pings start before it. Page: ${PAGE_REQUESTS} small requests at once, each over a new connection, until the last answer.`,
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
  return verdicts.length === 0 ? '' : `### Targets for high-RTT paths\n\n${verdictTable(verdicts)}`
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

/** How accurate the emulated link was. */
function errorOfLink({ samples }: WanResults): string {
  const directions = samples.flatMap(({ link }) => (link === undefined ? [] : [link.toShoot, link.toSeed]))
  const most = (values: readonly number[]) => Math.max(0, ...values)
  const late = figure(most(directions.map(({ latenessMs }) => latenessMs.mean)))
  const missed = directions.reduce((sum, direction) => sum + direction.missed, 0)
  const share = (100 * most(samples.map(({ linkShare = 0 }) => linkShare))).toFixed(0)
  const stolen = (100 * most(samples.map(({ stolenShare = 0 }) => stolenShare))).toFixed(1)
  return `- Accuracy of the link: at most ${late} ms late (mean of a measurement), ${missed} packets missed. It used at most ${share} % of the processor time, and the hypervisor ${stolen} %.`
}

function failures({ samples }: WanResults): string {
  const failed = samples.filter(({ error }) => error !== undefined)
  if (failed.length === 0) return ''
  const lines = failed.map(({ linkName, variant, repetition, error = '' }) => {
    return `- ${linkName}, ${variant}, repetition ${repetition + 1}: ${error.split('\n')[0]}`
  })
  return `### Failed measurements\n\n${lines.join('\n')}`
}

function commandLines({ variants, samples }: WanResults): string {
  const lines = variants.map(({ name, title }) => {
    const sample = samples.find(({ variant, error }) => variant === name && error === undefined)
    return [`# ${title}`, ...(sample?.commands ?? [])].join('\n')
  })
  return `### Command lines\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\``
}
