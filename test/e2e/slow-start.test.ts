// How connections of the tunnel and one inside come up to speed together over a long way.
import { setDefaultCongestion, startNginx, startWanLink } from '@reversed-vpn/test/lab'
import t from 'tap'
import { lanesOf } from './support/lanes.js'
import { TunnelLab } from './support/tunnel-lab.js'

const DOWNLOAD_BYTES = 16 * 1024 * 1024
/** Less than the window of a connection that came up to speed. */
const BESIDES_BYTES = 65_536

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { node, pod1, seed } = lab.hosts
await startWanLink(lab, { rateBitsPerSecond: 500e6, delayMs: 100 })
await startNginx(lab, pod1)
// What most hosts have.
for (const host of [node, seed]) await setDefaultCongestion(host, 'cubic')

/** Of all connections of the tunnel, as the shoot sends on them. */
async function controls(): Promise<string[]> {
  const { stdout } = await node.mustRun('ss', ['-tniHO', 'state', 'established', 'dport', '=', '1194'])
  return [...stdout.matchAll(/ (bbr|cubic) /g)].map(([, name = '']) => name)
}

t.test(
  'connections of the tunnel begin with slow start, and one inside comes up to speed with the one that it began on',
  async (t) => {
    const { seed: server, client } = await stage.startBoth([], { args: ['--lanes', '2'] })
    await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === 1)
    t.strictSame(await controls(), ['cubic', 'cubic'], 'BBR comes after it')
    const range = ['-r', `0-${DOWNLOAD_BYTES - 1}`, '-o', '/dev/null', '-w', '%{size_download}']
    const { code, stdout, stderr } = await stage.curlRouted(`http://${pod1.addresses.ipv4}/big`, range)
    t.equal(code, 0, stderr)
    t.equal(stdout, String(DOWNLOAD_BYTES))

    const sent = (await lanesOf(client)).map(({ toPeer }) => toPeer.bytes)
    t.equal(sent.length, 2)
    t.ok(Math.max(...sent) > DOWNLOAD_BYTES, 'one has all of it')
    t.ok(Math.min(...sent) < BESIDES_BYTES, `${Math.min(...sent)} bytes on the other`)
    await Promise.all([server.stop(), client.stop()])
  },
)
