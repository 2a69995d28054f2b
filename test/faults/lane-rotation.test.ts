import t from 'tap'
import { Flow, startFlowServer } from '../e2e/support/flow.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

const ROTATIONS = process.env.REVERSED_VPN_FULL === '1' ? 50 : 10

const FOUR = ['--lanes', '4']
const ONE: readonly string[] = []

for (const { what, lanes, args, bytesPerSecond } of [
  { what: 'old', lanes: ONE, args: ['--rotate-after', '200ms'], bytesPerSecond: 10_000_000 },
  { what: 'used up', lanes: ONE, args: ['--rotate-after-records', '1000'], bytesPerSecond: 40_000_000 },
  {
    what: 'old, four at a time,',
    lanes: FOUR,
    args: ['--rotate-after', '200ms'],
    bytesPerSecond: 10_000_000,
  },
]) {
  t.test(`${ROTATIONS} lanes that are ${what} are replaced under load, and no byte is lost`, async (t) => {
    await using stage = await TunnelLab.create({ routesCaller: true })
    const { caller, pod1 } = stage.hosts
    await startFlowServer(pod1)
    const often = ['--keepalive', '100ms']
    const { seed, client } = await stage.startBoth([...often, ...args], { args: [...often, ...lanes] })
    const sessionId = await readSessionId()
    const flow = await Flow.start({ from: caller, address: pod1.addresses.ipv4, bytesPerSecond })
    let fromLine = client.process.output.length
    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      await client.waitForLog(({ msg }) => msg === 'lane opened', { fromLine })
      fromLine =
        1 +
        client.process.output.findIndex(({ text }, line) => line >= fromLine && text.includes('lane opened'))
    }
    const { isIntact, heardBytes, error } = await flow.finish()
    t.ok(isIntact, error ?? `all of ${heardBytes} bytes came back in order`)
    t.equal(await readSessionId(), sessionId, 'the session is the one of before')
    for (const daemon of [seed, client]) {
      const lost = daemon.logs.filter(({ msg }) => /lane lost|session closed/.test(msg ?? ''))
      t.strictSame(lost, [])
    }

    async function readSessionId(): Promise<unknown> {
      const { session } = (await client.status()) as { session: { id: unknown } }
      return session.id
    }
  })
}
