// Mixed traffic, and something broken every few seconds, for as long as REVERSED_VPN_SOAK_MINUTES says (5 unless set).
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { destinationOf, startNginx, startSniGateway } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Flow, startFlowServer } from '../e2e/support/flow.js'
import { descriptorsOf, residentBytes, untilDescriptors } from '../e2e/support/process-state.js'
import { HASTY, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { askAgainAndAgain } from '../faults/support/ask-again.js'
import { dropNothing, dropPackets } from '../faults/support/drop-packets.js'

const MINUTES = Number(process.env.REVERSED_VPN_SOAK_MINUTES ?? 5)
const BETWEEN_FAULTS_MS = 3_000
const OUTAGE_MS = 2_000
const MAX_GROWTH_BYTES = 30_000_000
const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url))

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, internet, node, pod1, seed: seedHost } = lab.hosts
const destination = destinationOf('shoot--lab')
const startGateway = () =>
  startSniGateway(lab, {
    routes: [{ name: 'lab', destinations: [destination], backend: `${seedHost.addresses.ipv4}:1194` }],
  })
let gateway = await startGateway()
const clientArgs = [...HASTY, '--gateway', gateway.url, '--header', `Reversed-VPN: ${destination}`]
const started = await stage.startBoth([...HASTY, '--rotate-after', '20s'], { args: clientArgs })
const { seed } = started
let { client } = started
await Promise.all([
  startNginx(lab, pod1),
  startFlowServer(pod1),
  // All lanes that a shoot-client has unless it is told otherwise.
  client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === 1),
])

/** What is broken, in turn. Each resolves when all is as it was, but for the tunnel, which has to come back by itself. */
const FAULTS: Readonly<Record<string, () => Promise<void>>> = {
  'connection reset': async () => {
    await node.mustRun('ss', ['-t', '-K', 'dport', '=', '8132'])
  },
  'gateway killed': async () => {
    await gateway.daemon.stop('SIGKILL')
    gateway = await startGateway()
  },
  'nothing passes': async () => {
    await dropPackets(internet, 'ip daddr 198.51.100.10', 'ip daddr 203.0.113.10')
    await wait(OUTAGE_MS)
    await dropNothing(internet)
  },
  'nothing passes to the shoot': async () => {
    await dropPackets(internet, 'ip daddr 203.0.113.10')
    await wait(OUTAGE_MS)
    await dropNothing(internet)
  },
  'gateway stands still': async () => {
    gateway.daemon.process.kill('SIGSTOP')
    await wait(OUTAGE_MS)
    gateway.daemon.process.kill('SIGCONT')
  },
  'shoot-client killed': async () => {
    await client.stop('SIGKILL')
    client = await stage.startClient({ args: clientArgs })
  },
}

t.test(`${MINUTES} minutes of mixed traffic and faults lose no byte and leave nothing`, async (t) => {
  const descriptors = descriptorsOf(seed)
  const flows = await Promise.all(
    [pod1.addresses.ipv4, pod1.addresses.ipv6, pod1.addresses.ipv4].map((address, index) =>
      Flow.start({ from: caller, address, bytesPerSecond: 10 ** (5 + index) }),
    ),
  )
  const asking = askAgainAndAgain(stage)
  const backMs: number[] = []
  const faults = new Map<string, number>()
  const endMs = performance.now() + MINUTES * 60_000
  const [watched] = flows
  let warm: number | undefined
  while (performance.now() < endMs) {
    for (const [what, strike] of Object.entries(FAULTS)) {
      await strike()
      const mark = await watched?.mark()
      backMs.push((await mark?.untilFlowing) ?? Number.NaN)
      faults.set(what, (faults.get(what) ?? 0) + 1)
      await wait(BETWEEN_FAULTS_MS)
    }
    warm ??= residentBytes(seed)
  }
  const asked = await asking.stop()
  const reports = await Promise.all(flows.map((flow) => flow.finish()))
  t.ok(
    reports.every(({ isIntact }) => isIntact),
    'every byte came back in order',
  )
  t.strictSame(asked.failures, [], `${asked.answered} CONNECTs, each answered`)
  await untilDescriptors(seed, descriptors)
  const after = { residentBytes: residentBytes(seed), descriptors: descriptorsOf(seed) }
  const growth = after.residentBytes - (warm ?? 0)
  t.ok(growth < MAX_GROWTH_BYTES, `memory grew by ${(growth / 1e6).toFixed(1)} MB since the first round`)

  const said = sum(reports.map(({ saidBytes }) => saidBytes))
  const heard = sum(reports.map(({ heardBytes }) => heardBytes))
  const sorted = backMs.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]
  const rows = [
    ...[...faults].map(([what, times]): [string, string] => [`faults: ${what}`, String(times)]),
    ['back after the end of a fault, p50', `${at(0.5)} ms`],
    ['back after the end of a fault, p99', `${at(0.99)} ms`],
    ['bytes verified', String(heard)],
    ['bytes lost', String(said - heard)],
    ['CONNECTs answered', String(asked.answered)],
    ['CONNECTs failed', String(asked.failures.length)],
    ['seed-server, resident after the first round', `${((warm ?? 0) / 1e6).toFixed(1)} MB`],
    ['seed-server, resident at the end', `${(after.residentBytes / 1e6).toFixed(1)} MB`],
    ['seed-server, descriptors left', String(after.descriptors - descriptors)],
  ]
  const table = `# Soak, ${MINUTES} minutes\n\n| | |\n| --- | ---: |\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`
  t.comment(table)
  await mkdir(RESULTS, { recursive: true })
  await writeFile(join(RESULTS, 'soak.md'), table)
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
