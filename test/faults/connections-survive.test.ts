import {
  type Daemon,
  destinationOf,
  NODE_PUBLIC,
  type SniGateway,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { Flow, startFlowServer } from '../e2e/support/flow.js'
import { descriptorsOf, untilDescriptors } from '../e2e/support/process-state.js'
import { HASTY, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { readTunnel } from '../e2e/support/tunnel-state.js'
import { dropNothing, dropPackets } from './support/drop-packets.js'
import { recordFault } from './support/fault-table.js'

const IS_FULL = process.env.REVERSED_VPN_FULL === '1'
const OFTEN = IS_FULL ? 50 : 3
const BLACKHOLE_MS = IS_FULL ? 20_000 : 3_000
/** Of `HASTY`. */
const DEAD_AFTER_MS = 1_500
const RECONNECT_TARGET = { medianMs: 1_000, worstMs: 3_000 }
const BLACKHOLE_TARGET = { worstMs: DEAD_AFTER_MS + 1_000 }
/** What a shoot-client has unless it is told otherwise. */
const LANES = 2
const OTHER_ADDRESS = '203.0.113.11'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, internet, node, pod1, seed: seedHost } = lab.hosts
const destination = destinationOf('shoot--lab')
const startGateway = (): Promise<SniGateway> =>
  startSniGateway(lab, {
    routes: [{ name: 'lab', destinations: [destination], backend: `${seedHost.addresses.ipv4}:1194` }],
  })
let gateway = await startGateway()
const clientArgs = [...HASTY, '--gateway', gateway.url, '--header', `Reversed-VPN: ${destination}`]
let { seed, client } = await stage.startBoth(HASTY, { args: clientArgs })
await startFlowServer(pod1)

interface Fault {
  readonly what: string
  readonly times: number
  readonly from: 'the fault' | 'its end'
  readonly target?: { readonly medianMs?: number; readonly worstMs?: number }
  /** Breaks something; the moment it resolves is the fault's. */
  readonly cut: () => Promise<void>
  /** Waits until it was noticed, where it lasts that long, and puts things right; the moment it resolves is its end. */
  readonly mend?: () => Promise<void>
  /** A daemon that is started anew has other handles, descriptors and interface. @default false */
  readonly isNewProcess?: boolean
}

const FAULTS: readonly Fault[] = [
  {
    what: 'the outer connection is reset',
    times: OFTEN,
    from: 'the fault',
    target: RECONNECT_TARGET,
    cut: async () => {
      await node.mustRun('ss', ['-t', '-K', 'dport', '=', '8132'])
    },
  },
  {
    what: 'the gateway is killed and started again',
    times: OFTEN,
    from: 'the fault',
    target: RECONNECT_TARGET,
    cut: async () => {
      await gateway.daemon.stop('SIGKILL')
    },
    mend: async () => {
      gateway = await startGateway()
    },
  },
  {
    what: 'a router forgets the connection and drops its packets, new ones pass',
    times: IS_FULL ? 5 : 1,
    from: 'the fault',
    target: BLACKHOLE_TARGET,
    cut: async () => {
      const ports = await clientPorts()
      await dropPackets(internet, `tcp sport { ${ports} }`, `tcp dport { ${ports} }`)
    },
    mend: async () => {
      await untilUpAgain()
      await dropNothing(internet)
    },
  },
  {
    what: `everything vanishes both ways for ${BLACKHOLE_MS / 1000} s`,
    times: 1,
    from: 'its end',
    target: BLACKHOLE_TARGET,
    cut: () => dropPackets(internet, 'ip daddr 198.51.100.10', 'ip daddr 203.0.113.10'),
    mend: async () => {
      const endMs = performance.now() + BLACKHOLE_MS
      await bothNoticed()
      await new Promise((resolve) => setTimeout(resolve, endMs - performance.now()))
      await dropNothing(internet)
    },
  },
  {
    what: 'what is sent to the seed vanishes until both sides have noticed',
    times: 1,
    from: 'its end',
    target: BLACKHOLE_TARGET,
    cut: () => dropPackets(internet, 'ip daddr 198.51.100.10'),
    mend: letPassOnceNoticed,
  },
  {
    what: 'what is sent to the shoot vanishes until both sides have noticed',
    times: 1,
    from: 'its end',
    target: BLACKHOLE_TARGET,
    cut: () => dropPackets(internet, 'ip daddr 203.0.113.10'),
    mend: letPassOnceNoticed,
  },
  {
    what: 'the gateway stands still (SIGSTOP) until both sides have noticed',
    times: 1,
    from: 'its end',
    target: BLACKHOLE_TARGET,
    cut: async () => gateway.daemon.process.kill('SIGSTOP'),
    mend: async () => {
      await bothNoticed()
      gateway.daemon.process.kill('SIGCONT')
    },
  },
  {
    what: "the node's address on the internet changes",
    times: 1,
    from: 'the fault',
    target: BLACKHOLE_TARGET,
    cut: () => readdress(NODE_PUBLIC.ipv4, OTHER_ADDRESS),
    mend: async () => {
      await untilUpAgain()
      // A dial from the address that goes would wait for its answer for longer than a test should.
      await untilLanes(client, 'shoot_client')
      await readdress(OTHER_ADDRESS, NODE_PUBLIC.ipv4)
    },
  },
  {
    what: 'the shoot-client is killed and started again',
    times: IS_FULL ? 10 : 1,
    from: 'the fault',
    isNewProcess: true,
    cut: () => client.stop('SIGKILL'),
    mend: async () => {
      client = await stage.startClient({ args: clientArgs })
    },
  },
  {
    what: 'the seed-server is killed and started again',
    times: IS_FULL ? 10 : 1,
    from: 'the fault',
    isNewProcess: true,
    cut: () => seed.stop('SIGKILL'),
    mend: async () => {
      seed = await stage.startSeed(HASTY)
    },
  },
]

let upFrom = 0
let noticedFrom = { seed: 0, client: 0 }

for (const { what, times, from, target, cut, mend, isNewProcess = false } of FAULTS) {
  t.test(
    `a connection inside goes on when ${what}${times > 1 ? `, ${times} times in a row` : ''}`,
    async (t) => {
      const before = await readAll()
      const flow = await Flow.start({ from: caller, address: pod1.addresses.ipv4 })
      const flowingMs: number[] = []
      for (let time = 0; time < times; time++) {
        upFrom = client.process.output.length
        noticedFrom = { seed: seed.process.output.length, client: upFrom }
        await cut()
        const cutMark = from === 'the fault' ? await flow.mark() : undefined
        await mend?.()
        const { untilFlowing } = cutMark ?? (await flow.mark())
        flowingMs.push(await untilFlowing)
        await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
      }
      const { isIntact, saidBytes, heardBytes, error } = await flow.finish()
      t.ok(isIntact, error ?? 'every byte came back, in order, over the same connection')
      recordFault({
        what,
        times,
        from,
        flowingMs,
        lostBytes: saidBytes - heardBytes,
        ...(target === undefined ? {} : { target }),
      })
      const after = await readAll()
      t.strictSame(
        after.connections,
        before.connections,
        'one session carries the tunnel, over as many connections as before',
      )
      if (isNewProcess) return
      t.strictSame(
        after.tunnels,
        before.tunnels,
        'TUN, addresses, routes, rules and firewall were not touched',
      )
      for (const [side, daemon] of [seed, client].entries())
        await t.resolves(untilDescriptors(daemon, before.descriptors[side] ?? 0), 'no descriptor is kept')
    },
  )
}

async function readAll() {
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  await Promise.all([untilLanes(seed, 'seed_server'), untilLanes(client, 'shoot_client')])
  const { sessions } = (await seed.status()) as { sessions: unknown[] }
  return {
    tunnels: await Promise.all([readTunnel(seedHost), readTunnel(node)]),
    connections: [(await established()).length, sessions.length],
    descriptors: [seed, client].map(descriptorsOf),
  }
}

/** All lanes are up, those that were replaced are gone: the moment to look. */
async function untilLanes(daemon: Daemon, prefix: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000)
  const lanes = async () => (await daemon.metrics()).get(`${prefix}_tunnel_lanes`)
  while ((await lanes()) !== LANES || (await established()).length !== LANES) signal.throwIfAborted()
}

/** Each line of `ss` for the connections that the node has to the gateway. */
async function established(): Promise<readonly string[]> {
  const { stdout } = await node.mustRun('ss', ['-Htn', 'state', 'established', 'dport', '=', '8132'])
  return stdout.split('\n').filter((line) => line !== '')
}

async function clientPorts(): Promise<string> {
  const lines = await established()
  return lines.map((line) => /:(\d+)\s+198\.51\.100\.10:8132/.exec(line)?.[1]).join(', ')
}

async function letPassOnceNoticed(): Promise<void> {
  await bothNoticed()
  await dropNothing(internet)
}

async function bothNoticed(): Promise<void> {
  await Promise.all([
    seed.waitForLog(({ msg }) => msg === 'session closed', { fromLine: noticedFrom.seed }),
    client.waitForLog(({ msg }) => msg === 'session closed', { fromLine: noticedFrom.client }),
  ])
}

/** Of a new session, or of the old one where its lanes were lost one after the other. */
async function untilUpAgain(): Promise<void> {
  await client.waitForLog(({ msg }) => msg === 'lane opened', { fromLine: upFrom })
}

async function readdress(old: string, fresh: string): Promise<void> {
  await node.ip([
    `addr del ${old}/24 dev wan0`,
    `addr add ${fresh}/24 dev wan0`,
    // The kernel took the default route with the address it was reached from.
    'route replace default via 203.0.113.1',
  ])
}
