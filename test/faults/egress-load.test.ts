import { startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { startFlowServer } from '../e2e/support/flow.js'
import { descriptorsOf, residentBytes, untilDescriptors } from '../e2e/support/process-state.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'
import { connectReportOf, startConnectLoad } from './support/connect-load.js'

const IS_FULL = process.env.REVERSED_VPN_FULL === '1'
const WARM_UP = IS_FULL ? 1_500 : 200
const ONE_AFTER_ANOTHER = IS_FULL ? 6_000 : 500
const TOGETHER = IS_FULL ? 5_000 : 500
/** Of these at a time: the handshake of each may take ten seconds, which a machine that others keep busy has for no more. */
const AT_ONCE = 500
const UNREAD = 200
const HELD = 20
/** For the last segments of a connection to be acknowledged, also where the first were lost in a backlog. */
const CLOSING_MS = 30_000
/** A heap has its size only after thousands; what the few leave here is most of all that. */
const MAX_GROWTH_BYTES = IS_FULL ? 10_000_000 : 40_000_000

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { pod1, seed: seedHost } = stage.hosts
const { ipv4 } = pod1.addresses
await Promise.all([startNginx(stage.lab, pod1), startFlowServer(pod1)])
const { seed, client } = await stage.startBoth()
// All lanes that a shoot-client has unless it is told otherwise: from here on descriptors are counted.
await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === 1)
const echo = `${ipv4}:7007`

/** Sockets of the seed that belong to a connection, closing ones left out. */
async function socketsOfSeed(): Promise<number> {
  const { stdout } = await seedHost.mustRun('ss', ['-Htn', 'state', 'connected', 'exclude', 'time-wait'])
  return stdout.split('\n').filter((line) => line !== '').length
}

/** Nothing is left open: no descriptor, and no socket that the kernel still closes. */
async function untilQuiet(): Promise<boolean> {
  await untilDescriptors(seed, quiet.descriptors, { deadlineMs: CLOSING_MS })
  const endMs = performance.now() + CLOSING_MS
  for (;;) {
    const sockets = await socketsOfSeed()
    if (sockets <= quiet.sockets) return true
    if (performance.now() > endMs) throw new Error(`${sockets} sockets, ${quiet.sockets} at first`)
  }
}

const quiet = { descriptors: descriptorsOf(seed), sockets: await socketsOfSeed() }

t.test(`${ONE_AFTER_ANOTHER} CONNECTs one after another leave no socket and no growth behind`, async (t) => {
  const warming = await startConnectLoad(stage, { manner: 'one-after-another', count: WARM_UP, target: echo })
  t.strictSame((await connectReportOf(warming)).failures, [])
  await untilQuiet()
  const before = residentBytes(seed)
  const program = await startConnectLoad(stage, {
    manner: 'one-after-another',
    count: ONE_AFTER_ANOTHER,
    target: echo,
  })
  const { answered, failures } = await connectReportOf(program, 900_000)
  t.strictSame(failures, [])
  t.equal(answered, ONE_AFTER_ANOTHER)
  await untilQuiet()
  const growth = residentBytes(seed) - before
  t.ok(growth <= MAX_GROWTH_BYTES, `resident memory grew by ${(growth / 1e6).toFixed(1)} MB`)
})

t.test(
  `${TOGETHER} CONNECTs, ${AT_ONCE} at once, are all answered, and leave no socket behind`,
  async (t) => {
    const program = await startConnectLoad(stage, {
      manner: 'together',
      count: TOGETHER,
      width: AT_ONCE,
      target: echo,
    })
    const { answered, failures } = await connectReportOf(program)
    t.strictSame(failures, [])
    t.equal(answered, TOGETHER)
    t.ok(await untilQuiet())
  },
)

t.test(`${UNREAD} callers that do not read hold up nobody else and cost bounded memory`, async (t) => {
  const before = residentBytes(seed)
  const unread = await startConnectLoad(stage, { manner: 'unread', count: UNREAD, target: `${ipv4}:80` })
  t.strictSame((await connectReportOf(unread)).failures, [])
  const others = await startConnectLoad(stage, { manner: 'one-after-another', count: 50, target: echo })
  t.match(await connectReportOf(others), { answered: 50, failures: [] })
  const growth = residentBytes(seed) - before
  t.ok(growth < UNREAD * 1_000_000, `${(growth / UNREAD / 1000).toFixed(0)} kB each`)
  await unread.stop()
  t.ok(await untilQuiet())
})

t.test(
  'CONNECTs wait while the tunnel is down, leave with their caller, and go on when it is back',
  async (t) => {
    const fromLine = seed.process.output.length
    client.process.kill('SIGSTOP')
    await seed.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
    const staying = await startConnectLoad(stage, { manner: 'together', count: HELD, target: echo })
    await untilGauge('held_requests', HELD)
    const leaving = await startConnectLoad(stage, { manner: 'together', count: HELD, target: echo })
    await untilGauge('held_requests', 2 * HELD)
    await leaving.stop('SIGKILL')
    await untilGauge('held_requests', HELD)
    client.process.kill('SIGCONT')
    t.match(await connectReportOf(staying), { answered: HELD, failures: [] })
  },
)

t.test('nothing is open at last', async (t) => {
  await untilGauge('open_streams', 0)
  await untilGauge('open_connections', 0)
  t.ok(await untilQuiet())
})

async function untilGauge(name: string, value: number): Promise<void> {
  const read = async () => (await seed.metrics()).get(`seed_server_egress_${name}`)
  while ((await read()) !== value) await new Promise((resolve) => setImmediate(resolve))
}
