import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  destinationOf,
  startHaproxy,
  startNginx,
  startNginxRelay,
  startOpenvpnPair,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { countPackets } from './support/packet-count.js'
import { TunnelLab } from './support/tunnel-lab.js'

const API = 'api.lab.example'
const TOLD = 'told.lab.example'
const API_DESTINATION = 'outbound|443||kube-apiserver.shoot--lab.svc.cluster.local'
const TUNNEL_HEADER = { name: 'Reversed-VPN', value: destinationOf('shoot--lab') }

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, pki, certificates } = stage
const { caller, gateway: gatewayHost, internet, node, pod1, seed: seedHost } = lab.hosts
const front = gatewayHost.addresses.ipv4
const loadBalancer = '198.51.100.1'
const nodePublic = '203.0.113.10'
const apiCa = await pki.authority('ca-api')
const tls = await apiCa.issue({ commonName: API, dnsNames: [API, 'gateway'], usage: 'server' })
const tunnelBackend = `${seedHost.addresses.ipv4}:1194`
const apiBackend = `${seedHost.addresses.ipv4}:6443`
const [gateway] = await Promise.all([
  startSniGateway(lab, {
    routes: [
      { name: 'api', serverNames: [API], destinations: [API_DESTINATION], backend: apiBackend },
      {
        name: 'tunnel',
        serverNames: [API],
        alpn: 'reversed-vpn/1',
        destinations: [TUNNEL_HEADER.value],
        backend: tunnelBackend,
      },
      {
        name: 'told',
        serverNames: [TOLD],
        destinations: [destinationOf('shoot--told')],
        backend: tunnelBackend,
        proxyProtocol: 'v2',
      },
    ],
    args: ['--proxy-protocol-from', `${loadBalancer}/32`],
  }),
  startNginx(lab, pod1),
  startNginx(lab, seedHost, { port: 6443, page: 'api', tls }),
])

const resolved = (port: number, address = front) => ['--resolve', `${API}:${port}:${address}`]
const byConnect = (header: string) => ['--proxytunnel', '--proxy', gateway.url, '--proxy-header', header]

function curl(args: readonly string[], from = node) {
  return from.run('curl', ['-sS', '-m', '30', '--cacert', apiCa.certFile, ...args])
}

/** The access log's record of the next connection that ends: for such a reason, on such a route, where given. */
function nextEnd(wanted: { readonly reason?: string; readonly route?: string }) {
  const fromLine = gateway.daemon.process.output.length
  const isIt = (record: Readonly<Record<string, unknown>>) =>
    record.msg === 'connection' && Object.entries(wanted).every(([key, value]) => record[key] === value)
  return gateway.daemon.waitForLog(isIt, { fromLine })
}

t.test('curl goes by CONNECT where its header says, whatever it asks for', async (t) => {
  for (const version of ['--proxytunnel', '--proxy1.0']) {
    const end = nextEnd({ reason: 'ended', route: 'api' })
    const proxy = version === '--proxy1.0' ? ['--proxy1.0', new URL(gateway.url).host] : []
    const way = [...byConnect(`Reversed-VPN: ${API_DESTINATION}`), ...proxy]
    t.match(await curl([...way, `https://${API}:9/`]), { code: 0, stdout: 'api\n' }, version)
    t.match(await end, { listener: 'connect', client: new RegExp(`^${nodePublic}:`) })
  }
  for (const [header, status, reason] of [
    [`Reversed-VPN: ${destinationOf('nobody')}`, 404, 'unknown-destination'],
    ['X: y', 308, 'no-destination'],
  ] as const) {
    const end = nextEnd({ reason })
    const { code, stderr } = await curl([...byConnect(header), `https://${API}/`])
    t.match({ code, stderr }, { code: 56, stderr: `CONNECT tunnel failed, response ${status}` })
    await end
  }
})

t.test('curl is sent to the TLS port with everything else, and gets there', async (t) => {
  const end = nextEnd({ reason: 'redirected' })
  const url = `http://${API}:8132/?a=b`
  const shown = ['-w', '%{response_code} %{redirect_url}', '-o', '/dev/null']
  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
    const args = [...resolved(8132), ...shown, '-X', method, ...(method === 'HEAD' ? ['-I'] : []), url]
    t.match(await curl(args), { code: 0, stdout: `308 https://${API}/?a=b` }, method)
  }
  t.match(await curl([...resolved(8132), ...resolved(443), '-L', url]), { code: 0, stdout: 'api\n' })
  await end
})

t.test('curl goes by server name', async (t) => {
  for (const args of [resolved(443), ['--connect-to', `${API}:443:${front}:443`]]) {
    for (const version of ['--tls-max', '--tlsv1.3']) {
      const tlsArgs = version === '--tls-max' ? [version, '1.2'] : [version]
      t.match(await curl([...args, ...tlsArgs, `https://${API}/`]), { code: 0, stdout: 'api\n' }, version)
    }
  }
})

t.test('openssl is routed by server name and protocol, with TLS 1.2 and 1.3', async (t) => {
  await using seed = await stage.startSeed()
  await seed.waitForLog(({ msg }) => msg === 'started')
  const good = ['-servername', API, '-verify_return_error']
  const api = /Peer certificate: CN ?= ?api\.lab\.example\n/
  const unrecognized = /unrecognized name:.*SSL alert number 112/
  const tunnel = /Peer certificate: CN ?= ?vpn-seed-server\n/
  const cases = [
    ['TLS 1.3', [...good, '-tls1_3'], 0, [/TLSv1\.3/, api, /Verification: OK/]],
    ['TLS 1.2', [...good, '-tls1_2'], 0, [/TLSv1\.2/, api, /Verification: OK/]],
    ['another protocol', [...good, '-alpn', 'h2,http/1.1'], 0, [api]],
    ['a name in capitals', ['-servername', API.toUpperCase()], 0, [api]],
    ['the protocol of the tunnel', ['-servername', API, '-alpn', 'reversed-vpn/1'], undefined, [tunnel]],
    ['that among others', ['-servername', API, '-alpn', 'h2,reversed-vpn/1'], undefined, [tunnel]],
    ['no server name', ['-noservername'], 1, [unrecognized]],
    ['an unknown server name', ['-servername', 'api.other.example'], 1, [unrecognized]],
    ['a longer name', ['-servername', `${API}.example`], 1, [unrecognized]],
  ] as const
  for (const [what, args, code, patterns] of cases) {
    const result = await openssl(`${front}:443`, args)
    // The seed-server closes on a client without certificate, soon or late.
    t.equal(code === undefined ? undefined : result.code, code, what)
    for (const pattern of patterns) t.match(result.stderr, pattern, what)
  }
  const proxied = await openssl(`${API}:443`, ['-proxy', `${front}:8132`])
  t.match(proxied, { code: 1, stderr: /HTTP CONNECT failed.*308 Permanent Redirect/ }, 'it shows no header')
})

t.test('what comes a byte at a time is routed all the same', async (t) => {
  // socat that reads one byte at a time, and sends each on before the next.
  const drip = async (from: number, to: number) => {
    const args = ['-b1', `TCP-LISTEN:${from},fork,reuseaddr`, `TCP:${front}:${to},nodelay`]
    const socat = await node.spawn('socat', args)
    await node.waitForPort(socat, from)
    return socat
  }
  await using _tls = await drip(7443, 443)
  await using _connect = await drip(7132, 8132)
  const ports = ['tcp dport 443', 'tcp dport 8132']
  await using count = await countPackets(gatewayHost, ports)
  const byName = await openssl('127.0.0.1:7443', ['-servername', API, '-verify_return_error'])
  t.match(byName, { code: 0, stderr: /CN ?= ?api\.lab\.example/ })
  const way = byConnect(`Reversed-VPN: ${API_DESTINATION}`)
  const byHeader = await curl([...way, '--proxy', 'http://127.0.0.1:7132', `https://${API}/`])
  t.match(byHeader, { code: 0, stdout: 'api\n' })
  // More than its window lets out at once TCP does put together.
  for (const [port, packets] of await count.readAll()) t.ok(packets > 100, `${packets} packets to ${port}`)
})

t.test('OpenVPN comes through as a client, and carries a ping and a download', async (t) => {
  await using pair = await startOpenvpnPair(lab, { certificates, gateway, headers: [TUNNEL_HEADER] })
  await pair.client.waitForLine(/Send to HTTP proxy: 'CONNECT 192\.0\.2\.10:1194 HTTP\/1\.0'/)
  await pair.client.waitForLine(/HTTP proxy returned: 'HTTP\/1\.1 200 Connection established'/)
  const ping = await caller.run('ping', ['-c', '3', '-i', '0.05', '-W', '20', pod1.addresses.ipv4])
  t.match(ping.stdout, ' 3 received')
  const download = ['-o', '/dev/null', '-w', '%{size_download}']
  const big = await stage.curlRouted(`http://${pod1.addresses.ipv4}/big`, download)
  t.match(big, { code: 0, stdout: '67108864' })
  const end = nextEnd({ route: 'tunnel' })
  await pair.client.stop()
  const { reason, bytesToBackend, client } = await end
  // By a reset where the server had sent something that it had not read yet.
  t.match(reason, /^(ended|client-reset)$/)
  t.ok(Number(bytesToBackend) > 67_108_864, `${bytesToBackend} bytes went through the gateway`)
  t.match(client, new RegExp(`^${nodePublic}:`))
})

t.test('load balancers that are named tell who the client is, up to the seed-server', async (t) => {
  const listen = (port: number, to: number, how: string) =>
    `listen on-${port}\n  bind :${port}\n  server gateway ${front}:${to} ${how}`
  const sections = [
    listen(9001, 8132, 'send-proxy'),
    listen(9002, 8132, 'send-proxy-v2'),
    listen(9003, 443, 'send-proxy'),
    listen(9004, 443, 'send-proxy-v2'),
  ]
  await using _haproxy = await startHaproxy(lab, internet, 9001, sections.join('\n'))
  await using seed = await stage.startSeed(['--trusted-proxy', `${front}/32`])
  const header = `Reversed-VPN: ${destinationOf('shoot--told')}`
  for (const way of [
    ['--gateway', `http://${loadBalancer}:9001`, '--header', header],
    ['--gateway', `http://${loadBalancer}:9002`, '--header', header],
    ['--server', `${loadBalancer}:9003`, '--sni', TOLD],
    ['--server', `${loadBalancer}:9004`, '--sni', TOLD],
  ]) {
    const end = nextEnd({ reason: 'ended', route: 'told' })
    const fromLine = seed.process.output.length
    await using client = await stage.startClient({ args: way })
    await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
    t.match(await seed.status(), { sessions: [{ peer: { remoteAddress: nodePublic } }] })
    const opened = await seed.waitForLog(({ msg }) => msg === 'session opened', { fromLine })
    t.match(opened, { peer: { remoteAddress: nodePublic } })
    await client.stop()
    t.match(await end, { client: new RegExp(`^${nodePublic}:`) })
  }
})

t.test('nobody else is believed', async (t) => {
  const byName = [...resolved(443), `https://${API}/`]
  const told = await curl(['--haproxy-protocol', ...byName], internet)
  t.match(told, { code: 0, stdout: 'api\n' }, 'one who may')
  for (const [what, from, args, reason] of [
    ['one who may, and says nothing', internet, byName, 'proxy-header-missing'],
    ['one who may not, by TLS', node, ['--haproxy-protocol', ...byName], 'not-tls'],
    ['one who may not, by HTTP', node, ['--haproxy-protocol', '-f', `${gateway.url}/`], 'bad-request'],
  ] as const) {
    const end = nextEnd({ reason })
    t.not((await curl(args, from)).code, 0, what)
    t.match(await end, { reason, client: new RegExp(`^${from === node ? nodePublic : loadBalancer}:`) }, what)
  }
})

t.test('a shoot-client goes by TLS to the gateway, where something ends it in front', async (t) => {
  const pem = join(lab.dir, 'ingress.pem')
  await writeFile(pem, (await readFile(tls.certFile, 'utf8')) + (await readFile(tls.keyFile, 'utf8')))
  const toGateway = `listen ingress\n  bind :9443 ssl crt ${pem}\n  server gateway 127.0.0.1:8132`
  await using _haproxy = await startHaproxy(lab, gatewayHost, 9443, toGateway)
  const certificate = `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile};`
  const stream = `stream { server { listen 9444 ssl; ${certificate} proxy_pass 127.0.0.1:8132; } }`
  await using _nginx = await startNginxRelay(lab, gatewayHost, 9444, stream)
  await using seed = await stage.startSeed()
  const header = ['--header', `${TUNNEL_HEADER.name}: ${TUNNEL_HEADER.value}`]
  for (const port of [9443, 9444]) {
    const way = ['--gateway', `https://gateway:${port}`, '--gateway-ca', apiCa.certFile, ...header]
    await using client = await stage.startClient({ args: way })
    await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
    t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
  }
  const otherCa = ['--gateway-ca', certificates.tunnelCa.certFile]
  await using client = await stage.startClient({
    args: ['--gateway', 'https://gateway:9443', ...otherCa, ...header],
  })
  const failed = await client.waitForLog(({ msg }) => msg === 'dial failed')
  t.match(failed, { reason: 'tls-failed', detail: /TLS to the gateway gateway: / })
})

t.test('nothing of all that is left open', async (t) => {
  // The clients have gone; the gateway may still be on its way to see it.
  for (const metric of ['sni_gateway_open_connections', 'sni_gateway_client_sources'])
    await gateway.daemon.waitForMetric(metric, 0)
  t.pass('no connection, and nobody is counted')
})

/** A handshake and nothing more. */
function openssl(to: string, args: readonly string[]) {
  return node.run('openssl', ['s_client', '-connect', to, '-brief', '-CAfile', apiCa.certFile, ...args])
}
