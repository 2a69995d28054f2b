import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  binOf,
  Daemon,
  destinationOf,
  startHaproxy,
  startNginx,
  startNginxRelay,
  startSniGateway,
  webSocketSections,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { untilLanes } from './support/lanes.js'
import { QUICK_TIMES, TunnelLab } from './support/tunnel-lab.js'

const SNI = 'vpn-seed-server.shoot--lab.example'
const NODE_OF_SHOOT = '10.250.0.77'
const HEADER = `Reversed-VPN: ${destinationOf('shoot--lab')}`

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { gateway: host, pod1, seed: seedHost } = lab.hosts
const front = host.addresses.ipv4
const backend = `${seedHost.addresses.ipv4}:1194`
const webSocketBackend = `http://${seedHost.addresses.ipv4}:8080`
const ingress = await certificates.tunnelCa.issue({
  commonName: 'ingress.example',
  ipAddresses: [front],
  usage: 'server',
})

await startNginx(lab, pod1)
const gateway = await startSniGateway(lab, {
  routes: [{ name: 'lab', serverNames: [SNI], destinations: [destinationOf('shoot--lab')], backend }],
})
const bySni = (proxy: string) => `use_backend ${proxy} if { req_ssl_sni -i ${SNI} }`
await startHaproxy(
  lab,
  host,
  9001,
  `frontend sni
  bind :9001
  tcp-request inspect-delay 5s
  tcp-request content accept if { req_ssl_hello_type 1 }
  ${bySni('seed')}
frontend relay
  bind :9002
  default_backend seed
backend seed
  server seed ${backend}`,
)
await startNginxRelay(
  lab,
  host,
  9003,
  `stream {
  map $ssl_preread_server_name $backend { ${SNI} ${backend}; default unix:/nowhere; }
  server { listen 9003; ssl_preread on; proxy_pass $backend; }
}`,
)
await startNginxRelay(lab, host, 9004, webSocketSections(lab.dir, 9004, webSocketBackend))
const tls = `ssl_certificate ${ingress.certFile}; ssl_certificate_key ${ingress.keyFile};`
await startNginxRelay(lab, host, 9005, webSocketSections(lab.dir, 9005, webSocketBackend, tls))

const WAYS: Readonly<Record<string, readonly string[]>> = {
  'CONNECT through sni-gateway': ['--gateway', gateway.url, '--header', HEADER],
  'plain TLS through sni-gateway': ['--server', gateway.tlsAddress, '--sni', SNI],
  'plain TLS through haproxy, by server name': ['--server', `${front}:9001`, '--sni', SNI],
  'haproxy that cuts what is silent for five seconds': ['--server', `${front}:9002`],
  'plain TLS through nginx, by server name': ['--server', `${front}:9003`, '--sni', SNI],
  'a WebSocket through nginx': ['--gateway', `ws://${front}:9004/`],
  'a WebSocket over TLS through nginx': [
    '--gateway',
    `wss://${front}:9005/`,
    '--gateway-ca',
    certificates.tunnelCa.certFile,
  ],
  'a WebSocket without anything between': ['--gateway', `ws://${seedHost.addresses.ipv4}:8080`],
}

t.test('every way leads to the same tunnel', async (t) => {
  await using seed = await stage.startSeed(['--websocket-listen', '[::]:8080'])
  for (const [what, args] of Object.entries(WAYS)) {
    await t.test(what, async (t) => {
      await using client = await stage.startClient({ args: [...args, '--lanes', '3'] })
      await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
      t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
      const big = await stage.curlEgress(`http://${pod1.addresses.ipv6.replace(/.*/, '[$&]')}/big`, [
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
      ])
      t.match(big, { code: 0, stdout: '67108864' })
      t.equal((await client.metrics()).get('shoot_client_tunnel_sessions_opened_total'), 1)
      for (const daemon of [client, seed]) {
        const lanes = await untilLanes(daemon, ({ length }) => length === 3)
        t.strictSame(lanes.map(({ index }) => index).sort(), [0, 1, 2])
      }
    })
  }
})

t.test('says who refused a WebSocket, and with what', async (t) => {
  await using _seed = await stage.startSeed(['--websocket-listen', '[::]:8080'])
  const cases = [
    [
      ['--gateway', `ws://${seedHost.addresses.ipv4}:8080/elsewhere`],
      'proxy-refused',
      /gateway answered the upgrade with 404/,
    ],
    [['--gateway', `ws://${front}:8132/`], 'proxy-refused', /gateway answered the upgrade with (308|400)/],
    [
      ['--gateway', `wss://${front}:9005/`],
      'tls-failed',
      /TLS to the gateway 198\.51\.100\.10: .*certificate/,
    ],
    [['--gateway', `ws://${front}:9005/`], 'proxy-refused', /gateway answered the upgrade with 400/],
  ] as const
  for (const [args, reason, detail] of cases) {
    await using client = await stage.startClient({ args })
    t.match(await client.waitForLog(({ msg }) => msg === 'dial failed'), { reason, detail })
  }
})

t.test('the WebSocket port takes upgrades on / and nothing else', async (t) => {
  await using seed = await stage.startSeed(['--websocket-listen', '[::]:8080'])
  await seed.waitForLog(({ msg }) => msg === 'started')
  const status = async (path: string, ...args: readonly string[]) =>
    (
      await host.run('curl', [
        '-s',
        '-m',
        '20',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        ...args,
        `http://${seedHost.addresses.ipv4}:8080${path}`,
      ])
    ).stdout
  t.equal(await status('/'), '426')
  t.equal(await status('/', '--request-target', 'http://gate.example/'), '426', 'as to a proxy')
  t.equal(await status('/metrics'), '404')
})

t.test('gateways that are trusted say who the client is, and only they', async (t) => {
  await gateway.writeRoutes([{ name: 'lab', serverNames: [SNI], backend, proxyProtocol: 'v2' }])
  await gateway.daemon.waitForLog(({ msg }) => msg === 'routes taken')
  await startHaproxy(lab, host, 9006, `listen relay\n  bind :9006\n  server seed ${backend} send-proxy-v2`)
  await using seed = await stage.startSeed(['--trusted-proxy', `${front}/32`])
  for (const args of [
    ['--server', gateway.tlsAddress, '--sni', SNI],
    ['--server', `${front}:9006`],
  ]) {
    await using client = await stage.startClient({ args: [...args, '--lanes', '3'] })
    await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
    t.match(await seed.status(), { sessions: [{ peer: { remoteAddress: '203.0.113.10' } }] })
    const lanes = await untilLanes(seed, ({ length }) => length === 3)
    t.strictSame(lanes.map(({ index }) => index).sort(), [0, 1, 2], 'behind a PROXY header too')
  }
  const fromLine = seed.process.output.length
  await using _client = await stage.startClient({ args: ['--server', `${front}:9002`] })
  t.match(await seed.waitForLog(({ msg }) => msg === 'connection refused', { fromLine }), {
    reason: 'proxy-header',
    remoteAddress: front,
  })
})

t.test('a client whose address is one of the shoot, as a private link shows it, is let in', async (t) => {
  const asNode = `listen relay
  bind :9007
  tcp-request connection set-src ipv4(${NODE_OF_SHOOT})
  server seed ${backend} send-proxy-v2`
  await startHaproxy(lab, host, 9007, asNode)
  const config = join(lab.dir, 'seed.yaml')
  const write = (nodes: readonly string[]) => writeFile(config, `node-network: [${nodes.join(', ')}]\n`)
  await write(['10.250.0.0/16'])
  const { egressServer, egressCa, seedServer, tunnelCa } = certificates
  const { certFile, keyFile } = seedServer
  const tunnel = ['--tls-cert', certFile, '--tls-key', keyFile, '--tls-ca', tunnelCa.certFile]
  const egress = ['--egress-tls-cert', egressServer.certFile, '--egress-tls-key', egressServer.keyFile]
  await using seed = await Daemon.start(
    seedHost,
    [
      ...[binOf('seed-server'), '--config', config, ...QUICK_TIMES, '--trusted-proxy', `${front}/32`],
      ...[...tunnel, ...egress, '--egress-tls-ca', egressCa.certFile, '--pod-network', '100.96.0.0/11'],
    ],
    15_000,
  )
  await using client = await stage.startClient({ args: ['--server', `${front}:9007`] })
  await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
  t.match(await seed.status(), { sessions: [{ peer: { remoteAddress: NODE_OF_SHOOT } }] }, 'it is a label')
  await write(['10.250.0.0/16', '10.251.0.0/16'])
  seed.process.kill('SIGHUP')
  const reload = await seed.waitForLog(({ msg }) => /^networks taken$|^reload failed/.test(msg ?? ''))
  t.equal(reload.msg, 'networks taken', 'and does not hold up other networks')
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { stdout: 'pod1\n' })
})
