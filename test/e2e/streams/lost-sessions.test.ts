import { type Daemon, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { startFlowServer } from '../support/flow.js'
import { inUrl, TunnelLab } from '../support/tunnel-lab.js'
import { endReportOf, startEchoStreams, untilAllFlow } from './support/echo-streams.js'

const STREAMS = 20
const CARRY = ['--carry', 'streams']

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { pod1 } = stage.hosts
const target = `${pod1.addresses.ipv4}:7007`
await Promise.all([startFlowServer(pod1), startNginx(stage.lab, pod1)])

/** The access log says of each stream that it went with the tunnel. */
async function expectLost(t: Test, seed: Daemon): Promise<void> {
  await seed.waitForMetric('seed_server_egress_open_streams', 0)
  const lost = seed.logs.filter(({ end, carrier }) => end === 'tunnel-lost' && carrier === 'stream')
  t.equal(lost.length, STREAMS)
}

t.test('a session that does not come back within the hold ends its streams', async (t) => {
  const { seed, client } = await stage.startBoth([...CARRY, '--egress-hold', '1s'], { args: CARRY })
  const program = await startEchoStreams(stage, { count: STREAMS, target })
  await untilAllFlow(program)
  client.process.kill('SIGSTOP')
  const report = await endReportOf(program)
  t.equal(report.intact, 0)
  await expectLost(t, seed)
  client.process.kill('SIGCONT')
  await client.waitUntilReady()
  t.match(await stage.curlEgress(`http://${inUrl(pod1.addresses.ipv4)}/`), { code: 0, stdout: 'pod1\n' })
  await Promise.all([client.stop(), seed.stop()])
})

t.test(
  'a shoot-client that is killed takes its streams along, and the next CONNECT waits for the next one',
  async (t) => {
    const { seed, client } = await stage.startBoth([...CARRY, '--egress-hold', '300s'], { args: CARRY })
    const program = await startEchoStreams(stage, { count: STREAMS, target })
    await untilAllFlow(program)
    await client.stop('SIGKILL')
    const next = stage.curlEgress(`http://${inUrl(pod1.addresses.ipv4)}/`)
    await seed.waitForMetric('seed_server_egress_held_requests', 1)
    const successor = await stage.startClient({ args: CARRY })
    t.match(await next, { code: 0, stdout: 'pod1\n' })
    const report = await endReportOf(program)
    t.equal(report.intact, 0)
    await expectLost(t, seed)
    await Promise.all([successor.stop(), seed.stop()])
  },
)

t.test('a shoot-client that is stopped takes its streams along at once, whatever the hold', async (t) => {
  const { seed, client } = await stage.startBoth([...CARRY, '--egress-hold', '300s'], { args: CARRY })
  const program = await startEchoStreams(stage, { count: STREAMS, target })
  await untilAllFlow(program)
  await client.stop()
  const report = await endReportOf(program)
  t.equal(report.intact, 0)
  await expectLost(t, seed)
  await seed.stop()
})

t.test('a seed-server that is stopped leaves no stream open in the shoot', async (t) => {
  const { seed, client } = await stage.startBoth(CARRY, { args: CARRY })
  const program = await startEchoStreams(stage, { count: STREAMS, target })
  await untilAllFlow(program)
  await seed.stop()
  const report = await endReportOf(program)
  t.equal(report.intact, 0)
  await client.waitForMetric('shoot_client_streams_open', 0)
  await client.stop()
})
