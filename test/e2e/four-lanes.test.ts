import { copyFile } from 'node:fs/promises'
import { type Daemon, seedServerRequest, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Flow, startFlowServer } from './support/flow.js'
import { type LaneStatus, lanesOf, untilLanes } from './support/lanes.js'
import { descriptorsOf, untilDescriptors } from './support/process-state.js'
import { TunnelLab } from './support/tunnel-lab.js'

const LANES = 4
/** Until what a lost lane carried goes on: within a second on a machine that is not busy. */
const FLOWING_MS = 8_000

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { caller, node, node2, pod1 } = stage.hosts
const address = pod1.addresses.ipv4
await Promise.all([startNginx(stage.lab, pod1), startFlowServer(pod1)])

const isComplete = (lanes: readonly LaneStatus[]) => lanes.length === LANES

async function startBoth(args: readonly string[] = []) {
  const both = await stage.startBoth(args, { args: [...args, '--lanes', String(LANES)] })
  await untilComplete(both)
  return both
}

function untilComplete({ seed, client }: { seed: Daemon; client: Daemon }): Promise<unknown> {
  return Promise.all([seed, client].map((daemon) => untilLanes(daemon, isComplete)))
}

/** 128 connections one after the other, of which the kernel gives each lane some. */
async function askOften(): Promise<string> {
  const args = ['-sS', '-m', '60', '-H', 'Connection: close', `http://${address}/?[1-128]`]
  return (await caller.mustRun('curl', args)).stdout
}

t.test('each of four lanes carries, on both sides', async (t) => {
  const { seed, client } = await startBoth()
  t.equal(await askOften(), 'pod1\n'.repeat(128))
  for (const [daemon, prefix] of [
    [seed, 'seed_server'],
    [client, 'shoot_client'],
  ] as const) {
    const lanes = await lanesOf(daemon)
    t.strictSame(lanes.map(({ index }) => index).sort(), [0, 1, 2, 3])
    const idle = lanes.filter(({ toPeer, fromPeer }) => toPeer.packets === 0 || fromPeer.packets === 0)
    t.strictSame(idle, [])
    const metrics = await daemon.metrics()
    const packets = (direction: string) =>
      metrics.get(`${prefix}_tunnel_packets_total{direction="${direction}"}`) ?? 0
    const carried = lanes.reduce((sum, { toPeer, fromPeer }) => sum + toPeer.packets + fromPeer.packets, 0)
    t.ok(packets('toShoot') + packets('toSeed') >= carried, 'the totals count them all')
  }
  await Promise.all([client.stop(), seed.stop()])
})

t.test('what a lost lane carried goes on by another, and the lane comes back', async (t) => {
  const both = await startBoth()
  const flows = await Promise.all(
    Array.from({ length: 6 }, () => Flow.start({ from: caller, address, bytesPerSecond: 200_000 })),
  )
  await Promise.all(flows.map(async (flow) => (await flow.mark()).untilFlowing))
  const before = new Map<Daemon, number>()
  for (const daemon of [both.seed, both.client]) before.set(daemon, descriptorsOf(daemon))
  for (const port of await lanePorts()) {
    await node.mustRun('ss', ['-t', '-K', 'dport', '=', '1194', 'sport', '=', port])
    const marks = await Promise.all(flows.map((flow) => flow.mark()))
    const flowingMs = await Promise.all(marks.map(({ untilFlowing }) => untilFlowing))
    t.ok(Math.max(...flowingMs) < FLOWING_MS, `${flowingMs} ms`)
    await untilComplete(both)
  }
  for (const flow of flows) t.match(await flow.finish(), { isIntact: true })
  for (const [daemon, descriptors] of before) {
    // Fewer than one of each lane that was lost. Who asked for the state has the rest.
    await t.resolves(untilDescriptors(daemon, descriptors + LANES - 1), 'none is kept')
  }
  await Promise.all([both.client.stop(), both.seed.stop()])
})

t.test('every lane is replaced when a certificate is renewed, and no byte is lost', async (t) => {
  const both = await startBoth()
  const { seed } = both
  const opened = (lanes: readonly LaneStatus[]) => lanes.map(({ openedAt }) => openedAt)
  const before = opened(await lanesOf(seed))
  const flow = await Flow.start({ from: caller, address, bytesPerSecond: 20_000_000 })
  const { certificates } = stage
  const renewed = await certificates.tunnelCa.issue(seedServerRequest())
  await copyFile(renewed.keyFile, certificates.seedServer.keyFile)
  await copyFile(renewed.certFile, certificates.seedServer.certFile)
  seed.process.kill('SIGHUP')
  for (const daemon of [seed, both.client]) {
    await untilLanes(
      daemon,
      (lanes) => isComplete(lanes) && opened(lanes).every((at) => at > (before.toSorted().at(-1) ?? '')),
    )
  }
  const { isIntact, error } = await flow.finish()
  t.ok(isIntact, error ?? 'every byte came back')
  for (const { logs } of [seed, both.client])
    t.strictSame(
      logs.filter(({ msg }) => msg === 'lane lost'),
      [],
    )
  await Promise.all([both.client.stop(), seed.stop()])
})

t.test('while another shoot-client takes over, connections stay with the one that opened them', async (t) => {
  const drain = ['--drain-timeout', '20s']
  const { seed, client: first } = await startBoth(drain)
  const opened = await Promise.all(
    Array.from({ length: 6 }, () => Flow.start({ from: caller, address, bytesPerSecond: 500_000 })),
  )
  const second = await stage.startClient({
    host: node2,
    args: [...drain, '--lanes', String(LANES)],
  })
  await first.waitForLog(({ msg }) => msg === 'another shoot-client took over')
  await second.waitUntilReady()
  await untilLanes(seed, isComplete)
  first.process.kill('SIGTERM')
  const later = await Promise.all(
    Array.from({ length: 6 }, () => Flow.start({ from: caller, address, bytesPerSecond: 500_000 })),
  )
  for (const flow of [...opened, ...later]) await (await flow.mark()).untilFlowing
  for (const flow of opened) t.match(await flow.finish(), { isIntact: true }, 'opened through the first')
  t.equal((await first.process.exited).code, 0)
  for (const flow of later) t.match(await flow.finish(), { isIntact: true }, 'opened through the second')
  await Promise.all([second.stop(), seed.stop()])
})

/** Of the connections that the lanes run on. */
async function lanePorts(): Promise<readonly string[]> {
  const { stdout } = await node.mustRun('ss', ['-Htn', 'state', 'established', 'dport', '=', '1194'])
  return [...stdout.matchAll(/:(\d+)\s+\S+:1194/g)].map(([, port = '']) => port)
}
