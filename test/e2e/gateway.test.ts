import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConnectGateway, type Daemon, startConnectGateway, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { TunnelLab } from './support/tunnel-lab.js'

const HEADER = 'Reversed-VPN: outbound|1194||vpn-seed-server.shoot--lab.svc.cluster.local'
const LISTENING_PORT = 8133

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { gateway: gatewayHost, pod1 } = lab.hosts
const [gateway, seed] = await Promise.all([
  startConnectGateway(lab),
  stage.startSeed(),
  startNginx(lab, pod1),
])

t.test('the tunnel goes through CONNECT, with the header that the gateway routes by', async (t) => {
  // tinyproxy does not log header fields, so a listener stands in front of it.
  const listener = await gatewayHost.spawn('socat', [
    '-v',
    `TCP-LISTEN:${LISTENING_PORT},fork,reuseaddr`,
    `TCP:127.0.0.1:${gateway.port}`,
  ])
  await gatewayHost.waitForPort(listener, LISTENING_PORT)
  const front = { ...gateway, url: `http://${gatewayHost.addresses.ipv4}:${LISTENING_PORT}` }
  await using client = await stage.startClient({ gateway: front, args: ['--header', HEADER] })
  await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])

  const heard = listener.stderr.join('\n')
  t.match(heard, /CONNECT 192\.0\.2\.10:1194 HTTP\/1\.1/)
  t.match(heard, HEADER)
  t.match(await client.status(), {
    transport: `CONNECT through ${gatewayHost.addresses.ipv4}:${LISTENING_PORT}`,
  })
  t.match(await seed.status(), { sessions: [{ peer: { remoteAddress: /198\.51\.100\.10/ } }] })
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
})

t.test('a gateway that refuses is told by its answer, and dialled again', async (t) => {
  await using client = await stage.startClient({ gateway, args: ['--server', '192.0.2.10:1195'] })
  const record = await client.waitForLog(({ msg }) => msg === 'dial failed')
  t.match(record, { reason: 'proxy-refused', detail: /403/, level: 'warn' })
  await expectFailures(t, client, 'proxy-refused', 3)
  t.equal((await client.admin('/readyz')).status, 503)
  t.equal((await client.admin('/healthz')).status, 200)
})

t.test('a gateway that is down is dialled until it is up', async (t) => {
  await gateway.stop()
  await using client = await stage.startClient({ gateway })
  t.match(await client.waitForLog(({ msg }) => msg === 'dial failed'), {
    reason: 'refused',
    detail: /ECONNREFUSED/,
  })
  await expectFailures(t, client, 'refused', 3)

  await using _again = await startConnectGateway(lab)
  await client.waitUntilReady()
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
})

t.test('a gateway whose name is not known is looked up until it is', async (t) => {
  await using again: ConnectGateway = await startConnectGateway(lab)
  const named = { ...again, url: 'http://ingress.example:8132' }
  await using client = await stage.startClient({ gateway: named })
  t.match(await client.waitForLog(({ msg }) => msg === 'dial failed'), { reason: 'resolve' })
  await expectFailures(t, client, 'resolve', 2)

  await appendFile(join(lab.etcDir('node'), 'hosts'), `${gatewayHost.addresses.ipv6} ingress.example\n`)
  await client.waitUntilReady()
  t.match(await client.status(), { transport: 'CONNECT through ingress.example:8132' })
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
})

/** Waits for that many failed dials in the log, and asserts that they were counted, all for that reason. */
async function expectFailures(t: Test, client: Daemon, reason: string, wanted: number): Promise<void> {
  let seen = 0
  await client.waitForLog(({ msg }) => msg === 'dial failed' && ++seen >= wanted)
  const counted = [...(await client.metrics())].filter(
    ([name, value]) => name.startsWith('shoot_client_tunnel_dial_failures_total') && value > 0,
  )
  t.strictSame(
    counted.map(([name]) => name),
    [`shoot_client_tunnel_dial_failures_total{reason="${reason}"}`],
  )
  t.ok((counted[0]?.[1] ?? 0) >= wanted)
}
