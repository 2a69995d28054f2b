import { startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Download } from '../e2e/support/download.js'
import { publishNoise } from '../e2e/support/files.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

const MIB = 1024 * 1024
const RESETS = 6

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { internet, node, pod1 } = lab.hosts
await startNginx(lab, pod1)
const noise = await publishNoise(lab, pod1, 'noise', 16 * MIB)
const { seed, client } = await stage.startBoth()

function startDownload(): Promise<Download> {
  const url = `http://${pod1.addresses.ipv4}/noise`
  return Download.start(stage, { way: 'proxied', url, original: noise, bytesPerSecond: 6 * MIB })
}

for (const { direction, match } of [
  { direction: 'to the seed', match: 'ip daddr 192.0.2.10' },
  { direction: 'to the shoot', match: 'ip daddr 203.0.113.10' },
]) {
  t.test(`packets that vanish ${direction} are noticed, and what is inside goes on afterwards`, async (t) => {
    const download = await startDownload()
    const [fromSeedLine, fromClientLine] = [seed.process.output.length, client.process.output.length]
    await internet.nft(`table inet fault {
      chain forward { type filter hook forward priority filter; policy accept; ${match} drop; }
    }\n`)
    await Promise.all([
      seed.waitForLog(({ msg }) => msg === 'session closed', { fromLine: fromSeedLine }),
      client.waitForLog(({ msg }) => msg === 'session down', { fromLine: fromClientLine }),
    ])
    t.equal((await seed.admin('/readyz')).status, 503)
    t.equal((await client.admin('/readyz')).status, 503)
    t.ok(download.isUnderWay)
    await internet.nft('delete table inet fault\n')
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    t.equal(await download.outcome(), 'intact')
  })
}

t.test('a connection that is reset as soon as it stands comes back every time', async (t) => {
  const download = await startDownload()
  for (let reset = 1; reset <= RESETS; reset++) {
    const fromLine = client.process.output.length
    await node.mustRun('ss', ['-t', '-K', 'dport', '=', '1194'])
    await client.waitForLog(({ msg }) => msg === 'session up', { fromLine })
  }
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  t.equal(await download.outcome(), 'intact')
  const { sessions } = (await seed.status()) as { sessions: unknown[] }
  t.equal(sessions.length, 1, 'no session of before is kept')
  const { stdout } = await node.mustRun('ss', ['-Htn', 'state', 'established', 'dport', '=', '1194'])
  t.equal(stdout.trim().split('\n').length, 1, 'no connection of before is kept')
})
