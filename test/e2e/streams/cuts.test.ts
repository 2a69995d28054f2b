import type { Daemon } from '@reversed-vpn/test/lab'
import t from 'tap'
import { startFlowServer } from '../support/flow.js'
import { untilLanes } from '../support/lanes.js'
import { TunnelLab } from '../support/tunnel-lab.js'
import { endReportOf, endSome, startEchoStreams, untilAllFlow } from './support/echo-streams.js'

const CUTS = process.env.REVERSED_VPN_FULL === '1' ? 50 : 10
const STREAMS = 100
const LANES = 2
const CARRY = ['--carry', 'streams']

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { node, pod1 } = stage.hosts
await startFlowServer(pod1)
const { seed, client } = await stage.startBoth([...CARRY, '--egress-hold', '60s'], { args: CARRY })

t.test(
  `${CUTS} cuts of one or all lanes lose no byte of ${STREAMS} streams, nor of those that end`,
  async (t) => {
    const program = await startEchoStreams(stage, { count: STREAMS, target: `${pod1.addresses.ipv4}:7007` })
    for (let cut = 0; cut < CUTS; cut++) {
      await untilAllFlow(program)
      await Promise.all([seed, client].map((daemon) => untilAllLanes(daemon)))
      // Every fifth cut has tails and halves that end under way.
      if (cut % 5 === 0) await endSome(program)
      if (cut % 2 === 0) await cutAll()
      else await cutOne()
    }
    await untilAllFlow(program)
    program.kill('SIGTERM')
    t.match(await endReportOf(program), { failures: [], intact: STREAMS })
    const ends = seed.logs.filter(({ msg }) => msg === 'egress request').map(({ end }) => end)
    t.equal(ends.filter((end) => end === 'caller-closed').length, ends.length, 'each was ended by its caller')
  },
)

function untilAllLanes(daemon: Daemon) {
  return untilLanes(daemon, (lanes) => lanes.length === LANES)
}

async function cutAll(): Promise<void> {
  await node.mustRun('ss', ['-t', '-K', 'dport', '=', ':1194'])
}

async function cutOne(): Promise<void> {
  const { stdout } = await node.mustRun('ss', ['-Htn', 'state', 'established', 'dport', '=', ':1194'])
  const [, port] = /:(\d+)\s+192\.0\.2\.10:1194/.exec(stdout) ?? []
  await node.mustRun('ss', ['-t', '-K', 'sport', '=', `:${port}`])
}
