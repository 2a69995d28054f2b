import type { Daemon } from '@reversed-vpn/test/lab'
import { startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Flow, startFlowServer } from '../e2e/support/flow.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'
import { askAgainAndAgain } from './support/ask-again.js'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { caller, node2, pod1 } = stage.hosts
const address = pod1.addresses.ipv4
await Promise.all([startNginx(stage.lab, pod1), startFlowServer(pod1)])

async function untilSuperseded(client: Daemon): Promise<number> {
  const record = await client.waitForLog(({ msg }) => msg === 'another shoot-client took over')
  return Number(record.retryInMs)
}

t.test('a second shoot-client takes over, and what the first has opened goes on through it', async (t) => {
  const { seed, client: first } = await stage.startBoth(['--drain-timeout', '20s'], {
    args: ['--drain-timeout', '20s'],
  })
  const asking = askAgainAndAgain(stage)
  const opened = await Flow.start({ from: caller, address })
  const second = await stage.startClient({ host: node2 })
  const retryInMs = await untilSuperseded(first)
  t.ok(retryInMs >= 30_000 && retryInMs <= 60_000, `the first stays away for ${retryInMs} ms`)
  await second.waitUntilReady()
  await (await opened.mark()).untilFlowing

  first.process.kill('SIGTERM')
  const openedLater = await Flow.start({ from: caller, address })
  await (await opened.mark()).untilFlowing
  t.ok(first.process.isRunning, 'it waits for what it has opened')
  const report = await opened.finish()
  t.ok(report.isIntact, report.error ?? 'what the first had opened went on to its end')

  t.equal((await first.process.exited).code, 0)
  t.ok((await openedLater.finish()).isIntact, 'what was opened through the second does not notice')
  const { answered, failures } = await asking.stop()
  t.strictSame(failures, [], `${answered} CONNECTs, each answered`)
  t.ok(answered > 10)
  const { sessions } = (await seed.status()) as { sessions: unknown[] }
  t.equal(sessions.length, 1)
  await second.stop()
  await seed.stop()
})

t.test('draining has a deadline', async (t) => {
  const { seed, client: first } = await stage.startBoth(['--drain-timeout', '20s'], {
    args: ['--drain-timeout', '500ms'],
  })
  const opened = await Flow.start({ from: caller, address })
  const second = await stage.startClient({ host: node2 })
  await untilSuperseded(first)
  first.process.kill('SIGTERM')
  t.equal((await first.process.exited).code, 0, 'it ends though something it has opened goes on')
  t.match(await opened.finish(), { isIntact: false, error: /ECONNRESET/ }, 'which is told so')
  await second.stop()
  await seed.stop()
})

t.test('a second SIGTERM ends at once', async (t) => {
  const { seed, client: first } = await stage.startBoth(['--drain-timeout', '60s'], {
    args: ['--drain-timeout', '60s'],
  })
  const opened = await Flow.start({ from: caller, address })
  const second = await stage.startClient({ host: node2 })
  await untilSuperseded(first)
  first.process.kill('SIGTERM')
  await first.waitForLog(({ msg }) => msg === 'stopping')
  await (await opened.mark()).untilFlowing
  const askedMs = performance.now()
  first.process.kill('SIGTERM')
  const { code } = await first.process.exited
  t.ok(performance.now() - askedMs < 30_000, `with ${code}, long before the drain time is over`)
  await second.stop()
  await seed.stop()
})
