import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  binOf,
  Daemon,
  destinationOf,
  flags,
  startConnectGateway,
  startNginx,
  startNginxRelay,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from './support/tunnel-lab.js'

const credentials = { user: 'shoot', password: 's3cret' }
const PROXY_PORT = 3128

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { gateway: gatewayHost, node, node2, pod1, seed: seedHost } = lab.hosts
// A proxy that takes everything and never answers, and a client of it that has the time of all tests to find out.
const SILENT_PORT = 3131
const silent = await node.spawn('socat', ['-u', `TCP-LISTEN:${SILENT_PORT},fork,reuseaddr`, 'OPEN:/dev/null'])
await node.waitForPort(silent, SILENT_PORT)
const patient = await startPatientClient()
// The proxy stands in the shoot, where the client is; the gateway is out in the world.
await startConnectGateway(lab, node, { port: PROXY_PORT, connectPorts: [1194, 8132, 8080], credentials })
await startNginx(lab, pod1)
const gateway = await startSniGateway(lab, {
  routes: [
    { name: 'lab', destinations: [destinationOf('shoot--lab')], backend: `${seedHost.addresses.ipv4}:1194` },
  ],
})
const seed = await stage.startSeed(['--websocket-listen', '[::]:8080'])

const proxyAt = (user: string, port = PROXY_PORT) => `http://${user}@127.0.0.1:${port}`
const GOOD = proxyAt('shoot:s3cret')
const throughGateway = ['--gateway', gateway.url, '--header', `Reversed-VPN: ${destinationOf('shoot--lab')}`]

const WAYS: Readonly<Record<string, readonly string[]>> = {
  'in front of the seed-server': [],
  'in front of a gateway that takes CONNECT: two in a row': throughGateway,
  'in front of a WebSocket': ['--gateway', `ws://${seedHost.addresses.ipv4}:8080/`],
}

for (const [what, args] of Object.entries(WAYS)) {
  t.test(`a proxy that asks for a password, ${what}`, async (t) => {
    await using client = await stage.startClient({ args: [...args, '--proxy', GOOD] })
    await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
    t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
    t.match(await client.status(), { transport: /by proxy 127\.0\.0\.1:3128$/ })
    const said = client.process.output.map(({ text }) => text).join('\n')
    t.notMatch(
      said + JSON.stringify(await client.status()),
      /s3cret|czNjcmV0|c2hvb3Q/,
      'the password is nowhere',
    )
  })

  t.test(`a wrong password for a proxy ${what} is told as the proxy's refusal`, async (t) => {
    await using client = await stage.startClient({ args: [...args, '--proxy', proxyAt('shoot:wrong')] })
    const failed = await client.waitForLog(({ msg }) => msg === 'dial failed')
    t.match(failed, { reason: 'proxy-refused', detail: /answered (CONNECT|the upgrade) with 40[17]/ })
    t.notMatch(JSON.stringify(failed), 'wrong:')
  })
}

t.test('HTTPS_PROXY counts, unless NO_PROXY has the host or --proxy says otherwise', async (t) => {
  const env = { HTTPS_PROXY: proxyAt('shoot:wrong') }
  {
    await using client = await stage.startClient({ env })
    t.match(await client.waitForLog(({ msg }) => msg === 'dial failed'), {
      detail: /proxy answered CONNECT with 40[17]/,
    })
  }
  for (const [extra, args] of [
    [{ NO_PROXY: `${seedHost.addresses.ipv4}` }, []],
    [{}, ['--proxy', 'none']],
    [{}, ['--proxy', GOOD]],
  ] as const) {
    await using client = await stage.startClient({ env: { ...env, ...extra }, args })
    await client.waitUntilReady()
    t.pass('up')
  }
})

t.test(
  'a proxy that connects to port 443 alone passes a WebSocket on when it is asked as for a page',
  async (t) => {
    await startNginxRelay(
      lab,
      node,
      3129,
      `http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${lab.dir}/${name};`).join(' ')}
  access_log off;
  server {
    listen 3129;
    location / {
      proxy_pass http://$http_host;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }
}`,
    )
    const args = ['--gateway', `ws://${seedHost.addresses.ipv4}:8080/`, '--proxy', 'http://127.0.0.1:3129']
    await using client = await stage.startClient({ args })
    await client.waitUntilReady()
    t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
  },
)

for (const [what, answer, reason, detail] of [
  ['sends garbage', 'garbage\r\n\r\n', 'proxy-garbage', /proxy: /],
  [
    'answers 502',
    'HTTP/1.1 502 Bad Gateway\r\n\r\n',
    'proxy-refused',
    /proxy answered CONNECT with 502 Bad Gateway/,
  ],
  [
    'sends bytes behind its 200',
    'HTTP/1.1 200 OK\r\n\r\nhello',
    'proxy-early-data',
    /proxy sent 5 B behind its 200/,
  ],
  ['hangs up', '', 'closed', /proxy: /],
] as const) {
  t.test(`a proxy that ${what} is left at once, and dialled again`, async (t) => {
    const file = join(lab.dir, 'answer')
    await writeFile(file, answer)
    const wait = answer === '' ? '' : '; sleep 2'
    const socat = await node.spawn('socat', [
      'TCP-LISTEN:3130,fork,reuseaddr',
      `SYSTEM:head -c 20 >/dev/null; cat ${file}${wait}`,
    ])
    await node.waitForPort(socat, 3130)
    await using client = await stage.startClient({ args: ['--proxy', 'http://127.0.0.1:3130'] })
    const failed = await client.waitForLog(({ msg }) => msg === 'dial failed')
    t.match(failed, { reason, detail })
    await socat.stop('SIGKILL')
  })
}

t.test('nothing of an attempt that failed is left open', async (t) => {
  await using client = await stage.startClient({ args: ['--proxy', proxyAt('shoot:wrong')] })
  let failures = 0
  await client.waitForLog(({ msg }) => msg === 'dial failed' && ++failures === 5)
  await client.stop()
  const { stdout } = await gatewayHost.mustRun('ss', ['-Htn', 'state', 'established'])
  t.equal(stdout.trim(), '')
})

t.test('a proxy that never answers is given up after 15 seconds, and dialled again', async (t) => {
  const failed = await patient.waitForLog(({ msg }) => msg === 'dial failed', { deadlineMs: 20_000 })
  t.match(failed, { reason: 'timeout', detail: 'not up within 15000 ms' })
  const failures = (await patient.metrics()).get('shoot_client_tunnel_dial_failures_total{reason="timeout"}')
  t.ok(failures !== undefined && failures >= 1, `counted: ${failures}`)
  const { stdout } = await node2.mustRun('ss', ['-Htn', 'state', 'established', `dport = :${SILENT_PORT}`])
  t.ok(stdout.trim().split('\n').length <= 1, 'only the attempt of now is open')
})

function startPatientClient(): Promise<Daemon> {
  const { shootClient, tunnelCa } = certificates
  const args = flags({
    server: `${seedHost.addresses.ipv4}:1194`,
    proxy: `http://${node.addresses.ipv4}:${SILENT_PORT}`,
    'tls-cert': shootClient.certFile,
    'tls-key': shootClient.keyFile,
    'tls-ca': tunnelCa.certFile,
  })
  return Daemon.start(node2, [binOf('shoot-client'), ...args], 15001)
}
