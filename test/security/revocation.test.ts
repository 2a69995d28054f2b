import {
  type CommandResult,
  curlThroughEgress,
  type Daemon,
  type KeyPair,
  type OpensslAuthority,
  startNginx,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { Download, LASTING_BYTES } from '../e2e/support/download.js'
import { publishNoise } from '../e2e/support/files.js'
import { MountedVolume, textOf } from '../e2e/support/mounted-volume.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

/** Until a list ends that shall end while the daemon runs. */
const SOON_MS = 5000
/** Longer than a busy machine holds a process up: a lane that is lost here could not come back. */
const PATIENT = ['--keepalive', '1s', '--dead-after', '8s']
const A_DAY_AGO = new Date(Date.now() - 86_400_000)
const EXPIRED = 'revocation list has expired'
const REFUSED_CALLERS = 'seed_server_egress_callers_refused_total'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { tunnelCa, egressCa } = certificates
const { pod1 } = lab.hosts
const url = `http://${pod1.addresses.ipv4}/`
const apiserver = { commonName: 'kube-apiserver-http-proxy-client', usage: 'client' } as const
const [good, revoked] = await Promise.all([egressCa.issue(apiserver), egressCa.issue(apiserver)])
await Promise.all([egressCa.revoke(revoked), startNginx(lab, pod1)])
const noise = await publishNoise(lab, pod1, 'noise', LASTING_BYTES)

const listsUntil = async (tunnel?: Date, egress = tunnel) => ({
  'tunnel.crl': await list(tunnelCa, tunnel),
  'egress.crl': await list(egressCa, egress),
})
const lists = await MountedVolume.create(lab.dir, 'lists', await listsUntil())
const seedArgs = ['--tls-crl', lists.path('tunnel.crl'), '--egress-tls-crl', lists.path('egress.crl')]
let { seed, client } = await stage.startBoth([...seedArgs, ...PATIENT], { args: PATIENT })

async function list(authority: OpensslAuthority, until?: Date): Promise<string> {
  return textOf(await authority.writeCrl(until))
}

/** A CONNECT of whoever holds that certificate. */
function curlAs(client: KeyPair): Promise<CommandResult> {
  return curlThroughEgress(lab, url, { certificates, client, args: ['-m', '30'] })
}

/** Does it, and waits until the seed-server has logged that of each of these parts. */
async function andSee(act: () => Promise<void>, msg: string, field: string, values: string[]): Promise<void> {
  const fromLine = seed.process.output.length
  await act()
  for (const value of values)
    await seed.waitForLog((record) => record.msg === msg && record[field] === value, { fromLine })
}

/** It gets no CONNECT, and is counted under that reason. */
async function expectRefused(t: Test, pair: KeyPair, reason: string): Promise<void> {
  const count = async () => (await seed.metrics()).get(`${REFUSED_CALLERS}{reason="${reason}"}`) ?? 0
  const before = await count()
  const { code, stdout } = await curlAs(pair)
  t.not(code, 0)
  t.equal(stdout, '')
  t.equal(await count(), before + 1, `one more is refused as ${reason}`)
}

/** When that use's list ends, by the metric. */
async function endOf(daemon: Daemon, use: string): Promise<number> {
  const name = new RegExp(`^seed_server_tls_certificate_not_after_seconds\\{use="${use}",role="crl"`)
  const [, seconds = 0] = [...(await daemon.metrics())].find(([sample]) => name.test(sample)) ?? []
  return seconds * 1000
}

t.test('a kube-apiserver whose certificate is revoked gets no CONNECT, another does', async (t) => {
  t.match(await curlAs(good), { code: 0, stdout: 'pod1\n' })
  await expectRefused(t, revoked, 'revoked')
})

t.test('a newer list counts from the next connection on, and open streams go on', async (t) => {
  const original = noise
  const download = await Download.start(stage, {
    way: 'proxied',
    url: `${url}noise`,
    original,
  })
  await egressCa.revoke(certificates.apiserver)
  const files = await listsUntil()
  await andSee(() => lists.swap(files), 'egress-tls taken', 'level', ['info'])
  await expectRefused(t, certificates.apiserver, 'revoked')
  t.match(await curlAs(good), { code: 0 })
  t.ok(download.isUnderWay)
  t.equal(await download.outcome(), 'intact')
})

t.test('a reload to lists that have ended is refused, and those before stay', async (t) => {
  const files = await listsUntil(A_DAY_AGO)
  await andSee(() => lists.swap(files), 'reload failed, going on as before', 'part', [
    'egress-tls',
    'tunnel-tls',
  ])
  t.match(seed.logs.filter(({ part }) => part === 'egress-tls').at(-1), {
    reason: /^revocation list .*egress\.crl of CN=ca-egress-shoot--lab has ended /,
  })
  t.match(await curlAs(good), { code: 0 })
})

t.test('lists that end while the daemon runs are told then, and nobody new gets in', async (t) => {
  const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + SOON_MS)
  const files = await listsUntil(end)
  const opened = client.waitForLog(({ msg }) => msg === 'lane opened', {
    fromLine: client.process.output.length,
  })
  await andSee(() => lists.swap(files), 'revocation list expires soon', 'file', seedArgs.slice(1, 2))
  await opened
  await andSee(async () => {}, EXPIRED, 'file', [lists.path('tunnel.crl'), lists.path('egress.crl')])
  t.ok(Date.now() - end.getTime() < SOON_MS, 'when it happens, not an hour later')
  for (const use of ['tunnel', 'egress'])
    t.equal(await endOf(seed, use), end.getTime(), `${use}, as a metric`)
  await expectRefused(t, good, 'wrong-ca')
  t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod1\n' }, 'the lane goes on')
  await client.stop()
  client = await stage.startClient({ args: PATIENT })
  const refused = await seed.waitForLog(({ msg }) => msg === 'connection refused')
  t.match(refused, { reason: 'wrong-ca', detail: /CRL_HAS_EXPIRED/ })
  t.not(await client.isReady(), true)
})

t.test('newer lists let in again, without a restart', async (t) => {
  const files = await listsUntil()
  await andSee(() => lists.swap(files), 'egress-tls taken', 'level', ['info'])
  await client.waitUntilReady()
  t.match(await curlAs(good), { code: 0, stdout: 'pod1\n' })
})

t.test('a daemon that starts with lists that have ended says so, and waits for newer ones', async (t) => {
  await seed.stop()
  await lists.swap(await listsUntil(A_DAY_AGO))
  seed = await stage.startSeed([...seedArgs, ...PATIENT])
  await seed.waitForLog(({ msg, file }) => msg === EXPIRED && file === lists.path('egress.crl'))
  await seed.waitForLog(({ msg }) => msg === 'connection refused')
  await expectRefused(t, good, 'wrong-ca')
  const files = await listsUntil()
  await andSee(() => lists.swap(files), 'egress-tls taken', 'level', ['info'])
  await client.waitUntilReady()
  t.match(await curlAs(good), { code: 0, stdout: 'pod1\n' })
})
