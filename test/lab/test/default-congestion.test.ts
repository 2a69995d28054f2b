import t from 'tap'
import { type Host, Lab, setDefaultCongestion } from '../index.js'

const PORT = 7000

/** The congestion control of each connection that a host has, as the kernel tells it. */
async function controlsOn(host: Host): Promise<(string | undefined)[]> {
  const { stdout } = await host.mustRun('ss', ['-tniHO', 'state', 'established'])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => /\b(reno|cubic|bbr)\b/.exec(line)?.[1])
}

t.test('connections of a host use the congestion control it is given, whoever opens them', async (t) => {
  await using lab = await Lab.create()
  await lab.routeDirectly()
  const { caller, pod1 } = lab.hosts
  // Not everyone may use both, and a namespace's sysctl would take only those that everyone may.
  await Promise.all([setDefaultCongestion(caller, 'reno'), setDefaultCongestion(pod1, 'cubic')])
  const server = await pod1.spawn('socat', [`TCP6-LISTEN:${PORT},ipv6only=0,fork`, 'SYSTEM:sleep 100'])
  await pod1.waitForPort(server, PORT, { families: [6] })
  for (const address of [pod1.addresses.ipv4, `[${pod1.addresses.ipv6}]`]) {
    await using client = await caller.spawn('socat', ['-dd', '-u', `TCP:${address}:${PORT}`, '-'])
    await client.waitForLine(/successfully connected/)
    t.strictSame(await controlsOn(caller), ['reno'])
    t.ok((await controlsOn(pod1)).every((name) => name === 'cubic'))
    t.not((await controlsOn(pod1)).length, 0)
  }
  await t.rejects(setDefaultCongestion(caller, 'no_such'), { code: 'ERR_LAB_COMMAND' })
})
