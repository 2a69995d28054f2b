import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { startFlowServer } from '../e2e/support/flow.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'
import { connectReportOf, startConnectLoad } from '../faults/support/connect-load.js'
import { dropNothing, dropPackets } from '../faults/support/drop-packets.js'

const STREAMS = 50
/** After a minute of silence the kernel begins to ask whether the other end is there: that falls into the outage. */
const QUIET_MS = 55_000
const OUTAGE_MS = 62_000

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { internet, pod1 } = stage.hosts
await startFlowServer(pod1)

t.test(`${STREAMS} idle streams survive an outage of ${OUTAGE_MS / 1000} s, all of them`, async (t) => {
  const { seed, client } = await stage.startBoth()
  const target = `${pod1.addresses.ipv4}:7007`
  const streams = await startConnectLoad(stage, { manner: 'quiet', count: STREAMS, target })
  await streams.waitForLine(/^all open$/)
  await wait(QUIET_MS)
  await dropPackets(internet, 'ip daddr 192.0.2.10', 'ip daddr 203.0.113.10')
  await seed.waitForLog(({ msg }) => msg === 'session closed')
  await wait(OUTAGE_MS)
  await dropNothing(internet)
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  streams.kill('SIGUSR2')
  t.match(await connectReportOf(streams), { answered: STREAMS, failures: [] })
  const requests = () => seed.logs.filter(({ msg }) => msg === 'egress request')
  const ended = await seed.process.waitFor('a line for each', () =>
    requests().length === STREAMS ? requests() : undefined,
  )
  t.ok(ended.every(({ reason }) => reason === 'ok'))
})
