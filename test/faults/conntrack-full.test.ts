// The conntrack table of the shoot's node fills up. Its limit is one of the whole machine and stays as it is.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Flow, startFlowServer } from '../e2e/support/flow.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

const PORTS = 60_000
/** A third of a kilobyte of the kernel's memory for each entry. */
const MOST = 1_000_000
/** Beyond the limit: the kernel takes of them what there is room for. */
const SPARE = 1000
/** The daemon looks every half minute. */
const LOOK_MS = 60_000

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, node, pod1 } = lab.hosts
const url = `http://${pod1.addresses.ipv4}/`

/** Answered UDP, which no new connection pushes out. */
async function track(from: number, to: number): Promise<void> {
  const file = join(lab.dir, `conntrack-${from}`)
  const entry = (index: number) =>
    `-A -p udp -s 203.0.113.77 -d 198.51.100.77 --sport ${1 + (index % PORTS)} --dport ${1 + Math.floor(index / PORTS)} ` +
    '-t 600 -u SEEN_REPLY,ASSURED\n'
  await writeFile(file, Array.from({ length: to - from }, (_, index) => entry(from + index)).join(''))
  await node.run('conntrack', ['-R', file], { deadlineMs: 60_000 })
}

t.test(
  'a full conntrack table is told of before, keeps new connections out and none that is open',
  async (t) => {
    const limit = Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8'))
    if (limit > MOST) {
      t.comment(`the table takes ${limit} entries, which would be too many`)
      return
    }
    await Promise.all([startNginx(lab, pod1), startFlowServer(pod1)])
    const { client } = await stage.startBoth()
    const flow = await Flow.start({ from: caller, address: pod1.addresses.ipv4, bytesPerSecond: 100_000 })
    t.match(await stage.curlRouted(url), { stdout: 'pod1\n' })

    await track(0, Math.floor(limit * 0.95))
    const metrics = await client.metrics()
    t.equal(metrics.get('shoot_client_tunnel_conntrack_entries_limit'), limit)
    t.ok((metrics.get('shoot_client_tunnel_conntrack_entries') ?? 0) > limit * 0.94)
    const nearlyFull = ({ msg }: { msg?: string }) => msg === 'conntrack table is nearly full'
    t.match(await client.waitForLog(nearlyFull, { deadlineMs: LOOK_MS }), { level: 'warn', limit })

    // Whose entries would leave room as they expire, or for others as they end.
    for (const state of ['TIME_WAIT', 'CLOSE'])
      await node.run('conntrack', ['-D', '-p', 'tcp', '--state', state])
    await track(Math.floor(limit * 0.95), limit + SPARE)
    t.not((await stage.curlRouted(url, ['-m', '2'])).code, 0, 'nobody new gets through')
    await track(limit + SPARE, limit + 2 * SPARE)
    t.equal((await client.admin('/healthz')).status, 0, 'nor to the admin port')
    const { untilFlowing } = await flow.mark()
    await untilFlowing
    t.pass('what is open goes on')

    await node.mustRun('conntrack', ['-D', '-s', '203.0.113.77'], { deadlineMs: 60_000 })
    t.match(await stage.curlRouted(url), { stdout: 'pod1\n' }, 'all is well with room in it')
    t.match(await flow.finish(), { isIntact: true })
  },
)
