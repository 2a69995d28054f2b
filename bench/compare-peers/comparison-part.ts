import type { Role } from '../measure/peer-process.js'
import { type Spread, spreadOf } from '../measure/statistics.js'
import { type Part, showPictures } from '../report/part.js'
import { figure, table } from '../report/table.js'
import { verdictTable } from '../report/verdict.js'
import { cpuSamplesOf, spreadOfFigure } from './look-up.js'
import { peersAhead } from './peers-ahead.js'
import { drawPictures } from './pictures.js'
import type { Results } from './results.js'
import { judgeTargets } from './targets.js'

const ROLES: readonly Role[] = ['seed', 'shoot', 'proxy']
const ROLE_TITLES: Readonly<Record<Role, string>> = {
  seed: 'server in the seed',
  shoot: 'client on the node',
  proxy: 'CONNECT proxy',
}

/** The section that compares the peers. */
export function comparisonPart(results: Results): Part {
  const pictures = drawPictures(results)
  const { repetitions, seconds } = results.settings
  const sections = [
    '## Comparison with other tunnels',
    setting(results),
    `### Targets\n\n${targetTable(results)}`,
    `### Who is ahead of reversed-vpn\n\n${aheadText(results)}`,
    `### Pictures\n\n${showPictures(pictures)}`,
    `### Figures\n\nMedian (min–max) of ${repetitions} measurements of ${seconds} s.\n\n${figureTable(results)}`,
    `### Processor time\n\nSeconds of processor time, user and kernel, per gigabyte received (median).\n\n${cpuTable(results)}`,
    `### Memory\n\nResident memory in MB (10⁶ bytes).\n\n${memoryTable(results)}`,
    failures(results),
    skipped(results),
    `### Command lines\n\n${commandLines(results)}`,
  ]
  return { text: sections.filter((section) => section !== '').join('\n\n'), pictures }
}

function setting({ environment, settings, peers, samples }: Results): string {
  const programs = Object.values(environment.programs)
    .filter((program) => program !== 'unknown')
    .map((program) => program.replace(/ x86_64.*/, ''))
  const percent = (shares: readonly number[]) => `${(100 * Math.max(0, ...shares)).toFixed(1)} %`
  return [
    `- commit ${environment.commit}${environment.isDirty ? ', with uncommitted changes' : ''}; ${environment.startedAt}; \`${settings.command}\``,
    `- Node.js ${environment.node} (OpenSSL ${environment.openssl}), Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}, ${figure(environment.memoryBytes / 1e9)} GB, TCP ${environment.tcpCongestion}`,
    `- ${programs.join('; ')}`,
    `- MTU: ${peers.map(({ title, mtu }) => `${title} ${mtu}`).join(', ')}`,
    '- Path: caller → seed → peer → node → pod. Each peer has its own network namespaces. All peers are up during the whole run and are measured one at a time. ' +
      'Meanwhile the programs of all other peers used at most ' +
      `${percent(samples.map(({ idlePeersShare }) => idlePeersShare))} of the processor time, and the hypervisor at most ${percent(samples.map(({ stolenShare }) => stolenShare))}.`,
    '- In each repetition of a scenario the peers follow each other, beginning with another peer each time. Throughput is counted by the receiver. Failed measurements are listed.',
  ].join('\n')
}

function targetTable(results: Results): string {
  const verdicts = judgeTargets(results)
  if (verdicts.length === 0) return 'No target was measured in this run.'
  const note = 'Ratio: median of the ratios within each repetition (min–max; ratio of the medians).'
  return `${note}\n\n${verdictTable(verdicts)}`
}

function aheadText(results: Results): string {
  const { compared, ahead } = peersAhead(results)
  if (compared === 0) return 'There was no other peer for this.'
  const note = `In ${ahead.length} of ${compared} figures another peer than \`direct\` has the better median. The factor is ours to theirs, or theirs to ours, whichever is above 1.`
  const rows = ahead.map(({ title, peers }) => [
    title,
    peers.map(({ name, factor }) => `${name} ${Number.isFinite(factor) ? figure(factor) : '∞'}`).join(', '),
  ])
  return rows.length === 0 ? note : `${note}\n\n${table(['', 'ahead, by this factor'], rows)}`
}

function figureTable(results: Results): string {
  const rows = results.scenarios.flatMap((scenario) =>
    scenario.metrics.map(({ key, title, unit }) => [
      `${scenario.title}: ${title}, ${unit}`,
      ...results.peers.map(({ name }) =>
        showSpread(spreadOfFigure(results, { scenario: scenario.name, metric: key, peer: name })),
      ),
    ]),
  )
  return table(['', ...results.peers.map(({ title }) => title)], rows)
}

function cpuTable(results: Results): string {
  const measured = results.peers.filter(({ commands }) => commands.length > 0)
  const rows = results.scenarios.flatMap((scenario) =>
    ROLES.map((role) => [
      `${scenario.title}: ${ROLE_TITLES[role]}`,
      ...measured.map(({ name }) => {
        const spread = spreadOf(cpuSamplesOf(results, scenario.name, name, role))
        return spread === undefined ? '' : figure(spread.median)
      }),
    ]).filter((cells) => cells.slice(1).some((cell) => cell !== '')),
  )
  return table(['', ...measured.map(({ title }) => title)], rows)
}

function memoryTable({ memory, peers }: Results): string {
  const titles = new Map(peers.map(({ name, title }) => [name, title]))
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  const rows = memory.map(({ peer, role, idleRssBytes, peakRssBytes, finalRssBytes }) => [
    `${titles.get(peer) ?? peer}: ${ROLE_TITLES[role]}`,
    ...[idleRssBytes, peakRssBytes, finalRssBytes].map(megabytes),
  ])
  return table(['', 'idle, before the first load', 'maximum', 'after the last load'], rows)
}

function failures({ samples }: Results): string {
  const failed = samples.filter(({ error }) => error !== undefined)
  if (failed.length === 0) return ''
  const lines = failed.map(({ scenario, peer, repetition, error = '' }) => {
    return `- ${scenario}, ${peer}, repetition ${repetition + 1}: ${error.split('\n')[0]}`
  })
  return `### Failed measurements\n\n${lines.join('\n')}`
}

/** What was not measured, by reason. */
function skipped({ skipped: all = [], peers }: Results): string {
  if (all.length === 0) return ''
  const titles = new Map(peers.map(({ name, title }) => [name, title]))
  const reasons = [...new Set(all.map(({ reason }) => reason))]
  const lines = reasons.map((reason) => {
    const own = all.filter((one) => one.reason === reason)
    const names = [...new Set(own.map(({ peer }) => titles.get(peer) ?? peer))]
    return `- ${names.join('; ')}: ${reason}. Not measured: ${[...new Set(own.map(({ scenario }) => scenario))].join(', ')}`
  })
  return `### Skipped\n\n${lines.join('\n')}`
}

function commandLines({ peers, scenarios, samples }: Results): string {
  const ofPeers = peers.flatMap(({ title, commands }) => commands.map((command) => `# ${title}\n${command}`))
  const ofScenarios = scenarios.map(({ name, title }) => {
    const sample = samples.find(({ scenario, error }) => scenario === name && error === undefined)
    return [`# ${title}`, ...(sample?.commands ?? [])].join('\n')
  })
  return `\`\`\`sh\n${[...ofPeers, ...ofScenarios].join('\n')}\n\`\`\``
}

function showSpread(spread: Spread | undefined): string {
  return spread === undefined ? '–' : `${figure(spread.median)} (${figure(spread.min)}–${figure(spread.max)})`
}
