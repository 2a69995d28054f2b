import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LogRecord, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from '../support/tunnel-lab.js'

const KUBELET = 'kubelet-2.shoot.example'
const KUBELET6 = 'kubelet-6.shoot.example'
const OUTSIDE = 'outside.shoot.example'

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { gateway: outside, node2, seed: seedHost } = lab.hosts
await Promise.all([startNginx(lab, node2), startNginx(lab, outside)])
const { ipv4, ipv6 } = node2.addresses
await appendFile(
  join(lab.etcDir('node'), 'hosts'),
  [`${ipv4} ${KUBELET}`, `${ipv6} ${KUBELET6}`, `${outside.addresses.ipv4} ${OUTSIDE}`, ''].join('\n'),
)
const { seed } = await stage.startBoth(['--carry', 'streams', '--resolve', 'shoot'], {
  args: ['--carry', 'streams'],
})

t.test('a name that the shoot alone knows is looked up there', async (t) => {
  t.not((await seedHost.run('getent', ['hosts', KUBELET])).code, 0, 'the seed does not know it')
  for (const [name, address] of [
    [KUBELET, `${ipv4}:80`],
    [KUBELET6, `[${ipv6}]:80`],
  ] as const) {
    const fromLine = seed.process.output.length
    t.match(await stage.curlEgress(`http://${name}/`), { code: 0, stdout: 'node2\n' })
    const record = await seed.waitForLog(({ msg }) => msg === 'egress request', { fromLine })
    t.match(record, { target: `${name}:80`, code: 200, address }, 'the access log has the address too')
  }
})

t.test('an address goes as before', async (t) => {
  t.match(await stage.curlEgress(`http://${ipv4}/`), { code: 0, stdout: 'node2\n' })
})

for (const [what, name, status, reason] of [
  ['that lies outside the networks is prohibited', OUTSIDE, 403, 'prohibited'],
  ["that means the shoot side's own loopback is prohibited", 'localhost', 403, 'prohibited'],
  ['that nobody knows has no address', 'nobody.shoot.example', 502, 'no-address'],
] as const)
  t.test(`a name ${what}`, async (t) => {
    const fromLine = seed.process.output.length
    const { stderr } = await stage.curlEgress(`http://${name}/`)
    t.match(stderr, new RegExp(`\\b${status}\\b`))
    const isIt = ({ msg, target }: LogRecord) => msg === 'egress request' && target === `${name}:80`
    t.match(await seed.waitForLog(isIt, { fromLine }), { code: status, reason })
  })
