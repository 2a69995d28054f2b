import { joinAtGateway, startSniGateway } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { countPackets } from './support/packet-count.js'
import { type Outcome, SharedShoot, WAYS } from './support/shared-shoot.js'
import { TunnelLab } from './support/tunnel-lab.js'

const RELOADS = 20
/** What a shoot-client has unless it is told otherwise. */
const LANES = 2
const MIN_ROUNDS = 3

// Three shoots, each with the same networks and the same addresses in them, and one endpoint for all.
const routed = { routesCaller: true }
const stages = await Promise.all([
  TunnelLab.create(routed),
  TunnelLab.create(routed),
  TunnelLab.create(routed),
])
t.teardown(() => Promise.all(stages.map((stage) => stage[Symbol.asyncDispose]())))
const [firstStage, secondStage, thirdStage] = stages
const joined = await joinAtGateway([firstStage.lab, secondStage.lab, thirdStage.lab])
const gateway = await startSniGateway(firstStage.lab, { routes: [] })
const start = (name: string, stage: TunnelLab, index: number) => {
  const there = joined[index]
  if (there === undefined) throw new Error(`lab ${index} is not joined`)
  return SharedShoot.start(name, stage, there, gateway.url)
}
const shoots = await Promise.all([
  start('one', firstStage, 0),
  start('two', secondStage, 1),
  start('three', thirdStage, 2),
])
const [one, two, three] = shoots
let generation = 0
const ROUTES = shoots.flatMap((shoot) => shoot.routes())
await gateway.writeRoutes(ROUTES)
await Promise.all(shoots.map((shoot) => shoot.waitUntilReady()))

t.test('each shoot gets what was said to it, and only that', async (t) => {
  expectAnswered(t, await Promise.all(shoots.map((shoot) => shoot.say('at-first'))))
  for (const shoot of shoots) {
    t.match(await shoot.client.status(), { transport: 'CONNECT through 198.51.100.10:8132' })
    const { sessions } = (await shoot.seed.status()) as { sessions: unknown[] }
    t.equal(sessions.length, 1, `${shoot.name} has a session of its own`)
  }
  const tunnels = ROUTES.filter(({ destinations }) => destinations !== undefined)
  await Promise.all(
    shoots.map(({ client }) =>
      client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === LANES - 1),
    ),
  )
  t.match(await gateway.daemon.status(), { connections: LANES * tunnels.length })
  await expectOwnRequestsOnly(t)
})

t.test('also while a seed-server is down', async (t) => {
  const fromLine = gateway.daemon.process.output.length
  await two.seed.stop('SIGKILL')
  await gateway.daemon.waitForLog(
    ({ route, reason }) => route === 'tunnel-two' && reason === 'backend-refused',
    {
      fromLine,
    },
  )
  const [inVain, ...answered] = await Promise.all([
    two.sayInVain('down', ['routed', 'proxied']),
    one.say('down'),
    three.say('down'),
    // Its kube-apiserver is not what is down.
    two.say('down', ['api']),
  ])
  expectUnanswered(t, inVain)
  expectAnswered(t, answered)
  await two.restartSeed()
  await two.waitUntilReady()
  expectAnswered(t, await Promise.all(shoots.map((shoot) => shoot.say('up-again'))))
  await expectOwnRequestsOnly(t)
})

t.test('also while routes are read again', async (t) => {
  let isDone = false
  const reload = async () => {
    for (let count = 0; count < RELOADS; count++) {
      const more = {
        name: `more-${count}`,
        serverNames: [`api.more-${count}.example`],
        backend: '192.0.2.1:1',
      }
      await reloadRoutes(count % 2 === 0 ? [more, ...ROUTES.toReversed()] : ROUTES)
    }
    isDone = true
  }
  const talk = async (shoot: SharedShoot) => {
    for (let round = 0; round < MIN_ROUNDS || !isDone; round++) {
      expectAnswered(t, [await shoot.say(`reload-${round}`)])
    }
  }
  await Promise.all([reload(), ...shoots.map(talk)])
  await expectOwnRequestsOnly(t)
})

t.test(
  'also when the routes of one are gone: what is open goes on, and nothing new of it arrives',
  async (t) => {
    await reloadRoutes([one, three].flatMap((shoot) => shoot.routes()))
    const [inVain, ...answered] = await Promise.all([
      two.sayInVain('gone', ['api']),
      two.say('gone', ['routed', 'proxied']),
      one.say('gone'),
      three.say('gone'),
    ])
    expectUnanswered(t, inVain)
    expectAnswered(t, answered)
    await expectOwnRequestsOnly(t)
  },
)

t.test('also when routes lead to the wrong seed: its certificates are refused', async (t) => {
  await reloadRoutes([one.routes(), two.routes(three), three.routes(two)].flat())
  await two.restartClient()
  t.match(await two.client.waitForLog(({ msg }) => msg === 'dial failed'), { reason: 'wrong-ca' })
  const [ofTwo, ofThree, ...answered] = await Promise.all([
    two.sayInVain('swapped'),
    three.sayInVain('swapped', ['api']),
    three.say('swapped', ['routed', 'proxied']),
    one.say('swapped'),
  ])
  expectUnanswered(t, [...ofTwo, ...ofThree])
  expectAnswered(t, answered)
  await reloadRoutes(ROUTES)
  await two.waitUntilReady()
  expectAnswered(t, await Promise.all(shoots.map((shoot) => shoot.say('put-right'))))
  await expectOwnRequestsOnly(t)
})

t.test("also when a client shows another shoot's routing header: it is refused by certificate", async (t) => {
  await using count = await countPackets(one.stage.hosts.pod1, ['tcp dport 80'])
  const { certFile } = two.stage.certificates.tunnelCa
  const opened = await readTwo('sessions_opened_total')
  const cases = [
    { what: 'as it is, it refuses the seed-server', args: [], reason: 'wrong-ca' },
    { what: 'made to believe, it is refused', args: ['--tls-ca', certFile], reason: 'rejected' },
  ]
  for (const { what, args, reason } of cases) {
    const refused = await readTwo('refusals_total{reason="wrong-ca"}')
    await one.restartClient('two', args)
    t.match(await one.client.waitForLog(({ msg }) => msg === 'dial failed'), { reason }, what)
    const [inVain, ...answered] = await Promise.all([
      one.sayInVain(`shows-two-${reason}`, ['routed', 'proxied']),
      one.say(`shows-two-${reason}`, ['api']),
      two.say(`shows-two-${reason}`),
      three.say(`shows-two-${reason}`),
    ])
    expectUnanswered(t, inVain)
    expectAnswered(t, answered)
    t.ok((await readTwo('refusals_total{reason="wrong-ca"}')) > refused, 'its certificate counts as refused')
  }
  t.equal(await count.read('tcp dport 80'), 0, 'no packet came to its own pod either')
  t.equal(await readTwo('sessions_opened_total'), opened, 'nor was a session opened')
  await one.restartClient()
  await one.waitUntilReady()
  expectAnswered(t, await Promise.all(shoots.map((shoot) => shoot.say('at-last'))))
  await expectOwnRequestsOnly(t)
})

async function readTwo(metric: string): Promise<number> {
  return (await two.seed.metrics()).get(`seed_server_tunnel_${metric}`) ?? Number.NaN
}

/** Every pod and every kube-apiserver was asked exactly what its own shoot asked. */
async function expectOwnRequestsOnly(t: Test): Promise<void> {
  for (const shoot of shoots) {
    const { found, wanted } = await shoot.heard()
    t.strictSame(found, wanted, `${wanted.length} requests of ${shoot.name}`)
    t.ok(wanted.length >= WAYS.length)
  }
}

function expectAnswered(t: Test, outcomes: readonly (readonly Outcome[])[]): void {
  for (const { way, isAnswered, said } of outcomes.flat()) t.ok(isAnswered, `${way}: ${said}`)
}

function expectUnanswered(t: Test, outcomes: readonly Outcome[]): void {
  for (const { way, isAnswered, said } of outcomes) {
    t.notOk(isAnswered, way)
    t.notMatch(said, / of (one|two|three)/, `${way}: nobody answered`)
  }
}

/** Resolves when they are in force. */
async function reloadRoutes(routes: typeof ROUTES): Promise<void> {
  const name = `generation-${++generation}`
  await gateway.writeRoutes([...routes, { name, serverNames: [`${name}.example`], backend: '192.0.2.1:1' }])
  gateway.daemon.process.kill('SIGHUP')
  await gateway.daemon.waitForLog(({ added }) => Array.isArray(added) && added.includes(name))
}
