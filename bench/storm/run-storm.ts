import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  destinationOf,
  type GatewayRoute,
  Lab,
  type LabProcess,
  Pki,
  type ShootCertificates,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import { describeEnvironment, type Environment } from '../measure/environment.js'
import { cpuSecondsOf, memoryOf } from '../measure/proc.js'
import { log } from '../measure/progress.js'
import { type AllUp, type StormSetting, shootAt } from './storm-setting.js'

/** Loss of the gateway of all tunnels of a seed, as written to `storm.json`. */
export interface StormResults {
  readonly environment: Environment
  readonly tunnels: number
  readonly seedServers: number
  readonly rounds: readonly StormRound[]
}

export interface StormRound extends AllUp {
  /** From the SIGKILL of the gateway, including its restart, to the last WELCOME. */
  readonly allUpAfterSeconds: number
  /** Tunnels that are missing some seconds later. */
  readonly lost: number
  readonly gatewayPeakRssBytes: number
  readonly gatewayCpuSeconds: number
}

const FIRST_PORT = 20_001
/** Twenty shoots with a hundred clients each stay below the limits of one shoot. */
const SEED_SERVERS = 20
const ALL_UP_DEADLINE_MS = 120_000
const STAY_MS = 3_000

/** Kills the gateway of all tunnels, starts it again, and waits until every tunnel is back; once per round. */
export async function runStorm(tunnels: number, rounds: number): Promise<StormResults> {
  const environment = await describeEnvironment()
  await using lab = await Lab.create()
  const certificates = await (await Pki.create(lab.dir)).shoot()
  const ports = Array.from({ length: SEED_SERVERS }, (_, index) => FIRST_PORT + index)
  const seed = await start(lab, 'seed', certificates, { ports, gateway: '', tunnels })
  await seed.waitForLine(/^listening$/)
  const startGateway = () =>
    startSniGateway(lab, {
      routes: ports.map((port) => routeTo(lab, port)),
      args: ['--max-connections-per-source', String(2 * tunnels)],
    })
  let gateway = await startGateway()
  const shoots = await start(lab, 'shoots', certificates, { ports, gateway: gateway.url, tunnels })
  await shoots.waitForLine(/^all up/, { deadlineMs: ALL_UP_DEADLINE_MS })
  const results: StormRound[] = []
  for (let round = 0; round < rounds; round++) {
    await wait(STAY_MS)
    const fromLine = shoots.output.length
    const killedAtMs = performance.now()
    await gateway.daemon.stop('SIGKILL')
    gateway = await startGateway()
    const { pid } = gateway.daemon
    const [, figures = ''] = await shoots.waitForLine(/^all up (.*)/, {
      fromLine,
      deadlineMs: ALL_UP_DEADLINE_MS,
    })
    const allUpAfterSeconds = (performance.now() - killedAtMs) / 1000
    await wait(STAY_MS)
    const line = shoots.stdout.at(-1) ?? ''
    results.push({
      ...(JSON.parse(figures) as AllUp),
      allUpAfterSeconds,
      lost: Number(/^down (\d+)/.exec(line)?.[1] ?? 0),
      gatewayPeakRssBytes: memoryOf(pid).peakRssBytes,
      gatewayCpuSeconds: cpuSecondsOf(pid),
    })
    log(`storm #${round + 1}: all ${tunnels} up after ${allUpAfterSeconds.toFixed(2)} s`)
  }
  return { environment, tunnels, seedServers: SEED_SERVERS, rounds: results }
}

function start(
  lab: Lab,
  side: 'seed' | 'shoots',
  { tunnelCa, seedServer, shootClient }: ShootCertificates,
  setting: Omit<StormSetting, 'tls'>,
): Promise<LabProcess> {
  const own = side === 'seed' ? seedServer : shootClient
  const tls = { certFile: own.certFile, keyFile: own.keyFile, caFile: tunnelCa.certFile }
  const program = fileURLToPath(new URL(`./storm-${side}.js`, import.meta.url))
  const host = side === 'seed' ? lab.hosts.seed : lab.hosts.node
  return host.spawn(process.execPath, [program, JSON.stringify({ ...setting, tls })])
}

function routeTo(lab: Lab, port: number): GatewayRoute {
  const name = shootAt(port)
  return { name, destinations: [destinationOf(name)], backend: `${lab.hosts.seed.addresses.ipv4}:${port}` }
}
