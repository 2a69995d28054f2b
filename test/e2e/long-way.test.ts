// BBR over a way with a bottleneck, as the kernel tells of it.
import { type Host, startNginx, startWanLink } from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from './support/tunnel-lab.js'

const MEGABITS = 200
const ROUND_TRIP_MS = 50
/** Each of 64 MiB. */
const MAX_DOWNLOADS = 5

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { node, pod1 } = lab.hosts
await startWanLink(lab, { rateBitsPerSecond: MEGABITS * 1e6, delayMs: ROUND_TRIP_MS / 2 })
await startNginx(lab, pod1)

interface Connection {
  readonly pacingGain: number
  /** In bits a second. */
  readonly maxPacingRate: number | undefined
  readonly bandwidth: number
}

/** The connection of the tunnel that has sent most. */
async function busiestOn(host: Host): Promise<Connection> {
  const { stdout } = await host.mustRun('ss', ['-tniHO', 'state', 'established', 'dport', '=', '1194'])
  const numbers = (line: string) => ({
    sent: Number(/ bytes_sent:(\d+)/.exec(line)?.[1] ?? 0),
    pacingGain: Number(/pacing_gain:([\d.]+)/.exec(line)?.[1]),
    maxPacingRate: Number(/pacing_rate \d+bps\/(\d+)bps/.exec(line)?.[1]) || undefined,
    bandwidth: Number(/bbr:\(bw:(\d+)bps/.exec(line)?.[1]),
  })
  const [busiest] = stdout
    .split('\n')
    .map(numbers)
    .toSorted((one, other) => other.sent - one.sent)
  if (busiest === undefined) throw new Error('there is no connection')
  return busiest
}

t.test('bulk inside has BBR find the end of the way, which keeps its queue short', async (t) => {
  const { seed, client } = await stage.startBoth([], { args: ['--lanes', '1'] })
  t.ok((await busiestOn(node)).pacingGain > 2, 'it begins in STARTUP')
  const isCruising = ({ pacingGain, maxPacingRate }: Connection) =>
    pacingGain < 2 && maxPacingRate === undefined
  for (let downloads = 0; downloads < MAX_DOWNLOADS && !isCruising(await busiestOn(node)); downloads++) {
    const big = await stage.curlRouted(`http://${pod1.addresses.ipv4}/big`, ['-o', '/dev/null'])
    t.equal(big.code, 0, big.stderr)
  }
  const connection = await busiestOn(node)
  t.ok(isCruising(connection), 'it has left STARTUP, and no limit has stayed')
  const share = connection.bandwidth / (MEGABITS * 1e6)
  t.ok(share > 0.5 && share < 1.1, `it holds the way for ${share} of what it is`)
  await Promise.all([seed.stop(), client.stop()])
})
