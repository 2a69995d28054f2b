import {
  curlThroughEgress,
  type Daemon,
  destinationOf,
  Lab,
  Pki,
  startNginx,
  startSeedServer,
  startShootClient,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import t from 'tap'

const ROLLS = 5
const DESTINATION = destinationOf('shoot--lab')
/** The longest wait between two dials, and what starting takes on a machine that has other work. */
const WORST_MS = 15_000

const lab = await Lab.create()
t.teardown(() => lab.close())
const { pod1, seed: seedHost } = lab.hosts
const certificates = await (await Pki.create(lab.dir)).shoot()
await startNginx(lab, pod1)
const gateway = await startSniGateway(lab, {
  routes: [{ name: 'lab', destinations: [DESTINATION], backend: `${seedHost.addresses.ipv4}:1194` }],
})
// Every time is the one that a daemon has by itself.
let seed = await startSeedServer(lab, { certificates })
t.test('a seed-server that is stopped and replaced is missed for moments', async (t) => {
  const gaps: Gap[] = []
  for (let roll = 0; roll < ROLLS; roll++) {
    // A new one, as patient as one that has been connected for long.
    await using client = await startShootClient(lab, {
      certificates,
      args: ['--gateway', gateway.url, '--header', `Reversed-VPN: ${DESTINATION}`],
    })
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    gaps.push(await replaceSeed())
  }
  const median = (of: (gap: Gap) => number) => gaps.map(of).sort((one, other) => one - other)[ROLLS >> 1]
  t.comment(
    `${ROLLS} rolls, medians: ${JSON.stringify({
      endedMs: median(({ endedMs }) => endedMs),
      listeningMs: median(({ listeningMs }) => listeningMs),
      answeredMs: median(({ answeredMs }) => answeredMs),
    })}; ${JSON.stringify(gaps)}`,
  )
  for (const { answeredMs } of gaps) t.ok(answeredMs < WORST_MS, `answers again after ${answeredMs} ms`)
})

/** Milliseconds from SIGTERM. */
interface Gap {
  /** The old one is gone. */
  readonly endedMs: number
  /** The new one takes connections, and holds CONNECTs until the tunnel is there. */
  readonly listeningMs: number
  /** kube-apiserver gets through to the pod. */
  readonly answeredMs: number
}

/** As `Recreate` does: the next begins when the last has ended. */
async function replaceSeed(): Promise<Gap> {
  const startedMs = performance.now()
  const sinceMs = () => Math.round(performance.now() - startedMs)
  seed.process.kill('SIGTERM')
  t.equal((await seed.process.exited).code, 0)
  const endedMs = sinceMs()
  const next: Promise<Daemon> = startSeedServer(lab, { certificates })
  const answer = ask()
  seed = await next
  const listeningMs = sinceMs()
  await answer
  return { endedMs, listeningMs, answeredMs: sinceMs() }
}

/** Asks until there is an answer; a refusal comes at once. */
async function ask(): Promise<void> {
  const url = `http://${pod1.addresses.ipv4}/`
  const { code } = await curlThroughEgress(lab, url, { certificates, args: ['-m', '15'] })
  if (code !== 0) await ask()
}
