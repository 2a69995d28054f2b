// Daemons that have no descriptor left, while their lanes are lost.
import { readdirSync } from 'node:fs'
import { type Daemon, type LogRecord, NODE_PUBLIC } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Flow, startFlowServer } from '../e2e/support/flow.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'
import { dropNothing, resetConnections } from './support/drop-packets.js'

/** From none for the next connection to enough for that and for its queue of the TUN. */
const FREE = [0, 1, 2, 3]
const ENOUGH = 1024

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { caller, internet, node, pod1, seed: seedHost } = stage.hosts
await startFlowServer(pod1)
const { seed, client } = await stage.startBoth([], { args: ['--lanes', '2'] })
const flow = await Flow.start({ from: caller, address: pod1.addresses.ipv4, bytesPerSecond: 100_000 })

const BETWEEN_THEM = [`ip daddr ${seedHost.addresses.ipv4}`, `ip daddr ${NODE_PUBLIC.ipv4}`]

/** From now on it can open so many descriptors and no more; those it has stay. */
async function leaveFree(daemon: Daemon, count: number): Promise<void> {
  const open = new Set(
    await daemon.process.waitFor('what its lanes had to be closed', quietDescriptors(daemon), {
      everyMs: 100,
    }),
  )
  let limit = 0
  for (let left = count; left > 0 || open.has(limit); limit++) if (!open.has(limit)) left--
  await limitTo(daemon, limit)
}

/** Those that are open, once they have not changed from one look to the next. */
function quietDescriptors({ pid }: Daemon): () => number[] | undefined {
  let before = ''
  return () => {
    const open = readdirSync(`/proc/${pid}/fd`)
    const isQuiet = open.join() === before
    before = open.join()
    return isQuiet ? open.map(Number) : undefined
  }
}

async function limitTo({ pid }: Daemon, limit: number): Promise<void> {
  await node.mustRun('prlimit', ['--pid', String(pid), `--nofile=${limit}:${ENOUGH}`])
}

for (const [name, daemon] of Object.entries({ 'the seed-server': seed, 'the shoot-client': client })) {
  t.test(
    `${name} without descriptors loses a lane at most, and is well as soon as it has some`,
    async (t) => {
      const dials: LogRecord[] = []
      for (const free of FREE) {
        const fromLine = daemon.process.output.length
        // Refused: a dial that hangs would hold a socket that it could give to the next one.
        await resetConnections(internet, ...BETWEEN_THEM)
        await daemon.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
        await leaveFree(daemon, free)
        // Whatever a dialler closes then, it cannot open again.
        if (daemon === client && free === 0) await limitTo(client, 0)
        const clientLine = client.process.output.length
        await dropNothing(internet)
        dials.push(await client.waitForLog(isDialThatArrived, { fromLine: clientLine }))
        t.ok(daemon.process.isRunning, `with ${free} free it goes on`)
        await limitTo(daemon, ENOUGH)
        const { untilFlowing } = await flow.mark()
        await untilFlowing
      }
      // Where a connection cannot be accepted for lack of one, libuv closes it without a word: who dials tells of that.
      const failed = dials.filter(({ msg }) => msg === 'dial failed').map(({ detail }) => detail)
      t.match(failed.join('\n'), daemon === client ? /EMFILE/ : /./, 'it ran out of them')
    },
  )
}

function isDialThatArrived({ msg, reason }: LogRecord): boolean {
  return msg === 'lane opened' || (msg === 'dial failed' && reason !== 'refused')
}

t.test('what ran through all of it is whole', async (t) => {
  t.match(await flow.finish(), { isIntact: true })
  for (const daemon of [seed, client]) t.notOk(daemon.logs.some(({ level }) => level === 'fatal'))
})
