import { ALPN_PROTOCOL, encodeControl, FRAME_HEADER_BYTES, FRAME_TYPE } from '@reversed-vpn/protocol'
import {
  type CertificateRequest,
  type KeyPair,
  type LogRecord,
  SEED_SERVER_NAME,
  seedServerRequest,
  shootClientRequest,
  startNginx,
  startSeedServer,
  startShootClient,
  withFlaw,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { type ConnectionOrder, connect } from './support/connection.js'
import { EndlessPing } from './support/endless-ping.js'
import { TunnelLab } from './support/tunnel-lab.js'

const TUNNEL_PORT = 1194
const EGRESS_PORT = 9443
const ALPN = [ALPN_PROTOCOL]
/** A handshake that is never finished is cut after that, as well as a HELLO that never comes. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** Not after a time limit, but for what the machine takes. */
const LATE_MS = 9_000

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, pki, certificates } = stage
const { caller, gateway: stranger, node, pod1, seed: seedHost } = lab.hosts
const { tunnelCa, egressCa, shootClient } = certificates
const otherCa = await pki.authority('somebody-elses')
const [nginx, { seed, client }] = await Promise.all([
  startNginx(lab, pod1),
  stage.startBoth(['--egress-hold', '1s']),
])

/** A stream of packets that every refusal has to leave alone. */
const witness = await EndlessPing.start(caller, pod1.addresses.ipv4)

interface Visit {
  readonly who: string
  readonly reason: string
  readonly connection: Omit<ConnectionOrder, 'host' | 'port'>
  /** Of the REJECT that tells why, where one can be told. */
  readonly rejectCode?: string
  readonly minDurationMs?: number
}

const issue = (request: CertificateRequest, ca = tunnelCa) => ca.issue(request)
const tlsWith = (pair: KeyPair, more: Partial<NonNullable<ConnectionOrder['tls']>> = {}) => ({
  tls: { ...pair, alpn: ALPN, ...more },
})
const frame = (type: number, length: number, payload = '') => {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(payload)])
  bytes.writeUInt32BE(((type << 24) | length) >>> 0)
  return bytes.toString('hex')
}

const visits: readonly Visit[] = [
  {
    who: 'a certificate of another authority',
    reason: 'wrong-ca',
    connection: tlsWith(await issue(shootClientRequest(), otherCa)),
    rejectCode: 'wrong-ca',
  },
  {
    who: 'a certificate of another name',
    reason: 'wrong-name',
    connection: tlsWith(await issue(withFlaw(shootClientRequest(), 'wrong-name'))),
    rejectCode: 'wrong-name',
  },
  {
    who: 'an expired certificate',
    reason: 'certificate-expired',
    connection: tlsWith(await issue(withFlaw(shootClientRequest(), 'expired'))),
    rejectCode: 'certificate-expired',
  },
  {
    who: "a server's certificate",
    reason: 'wrong-usage',
    connection: tlsWith(await issue(withFlaw(shootClientRequest(), 'wrong-usage'))),
    rejectCode: 'wrong-usage',
  },
  {
    who: 'no certificate',
    reason: 'no-certificate',
    connection: { tls: { alpn: ALPN } },
    rejectCode: 'no-certificate',
  },
  {
    who: 'another protocol in ALPN',
    reason: 'wrong-alpn',
    connection: tlsWith(shootClient, { alpn: ['h2'] }),
  },
  { who: 'TLS 1.2', reason: 'old-tls', connection: tlsWith(shootClient, { maxVersion: 'TLSv1.2' }) },
  {
    who: 'plain HTTP',
    reason: 'plain-http',
    connection: { sendHex: Buffer.from('GET / HTTP/1.1\r\nHost: seed\r\n\r\n').toString('hex') },
  },
  { who: 'random bytes', reason: 'not-tls', connection: { sendHex: '7f3a99c2d10b5e44'.repeat(8) } },
  {
    who: 'a frame header of 16 MiB in place of HELLO',
    reason: 'frame-too-large',
    connection: { ...tlsWith(shootClient), sendHex: frame(FRAME_TYPE.HELLO, 0xff_ff_ff) },
    rejectCode: 'bad-hello',
  },
  {
    who: 'a HELLO that is no JSON',
    reason: 'bad-hello',
    connection: { ...tlsWith(shootClient), sendHex: frame(FRAME_TYPE.HELLO, 8, 'not json') },
    rejectCode: 'bad-hello',
  },
  {
    who: 'a handshake that never goes on',
    reason: 'handshake-timeout',
    connection: { sendHex: '16030100f8' },
    minDurationMs: HANDSHAKE_TIMEOUT_MS,
  },
]

t.test('the tunnel port', { jobs: visits.length }, async (t) => {
  const refusals = async (reason: string) =>
    (await seed.metrics()).get(`seed_server_tunnel_refusals_total{reason="${reason}"}`)
  for (const { who, reason, connection, rejectCode, minDurationMs = 0 } of visits) {
    t.test(`cuts off ${who}`, async (t) => {
      t.equal(await refusals(reason), 0)
      const to = { host: seedHost.addresses.ipv4, port: TUNNEL_PORT }
      // Twice, to see that a stranger who comes again fills no log.
      const reports = await Promise.all([
        connect(stranger, { ...to, ...connection }),
        connect(stranger, { ...to, ...connection }),
      ])
      for (const { received, durationMs } of reports) {
        t.equal(rejectCodeOf(received), rejectCode, 'is told why, where it can be')
        t.ok(durationMs >= minDurationMs && durationMs < minDurationMs + LATE_MS, `after ${durationMs} ms`)
      }
      t.equal(await refusals(reason), 2, `is counted as ${reason}`)
      const logged = seed.logs.filter(
        (record) => record.msg === 'connection refused' && record.reason === reason,
      )
      t.match(logged, [{ remoteAddress: /198\.51\.100\.10$/ }], 'is logged once')
      t.equal(logged.length, 1)
    })
  }
})

t.test('a session that breaks the framing ends, and the one that carries goes on', async (t) => {
  const hello = encodeControl({
    type: 'HELLO',
    version: 1,
    instance: '00112233445566778899aabbccddeeff',
    accepts: [],
    mtu: 1500,
    software: 'stranger',
  })
  const sendHex = hello.toString('hex') + frame(FRAME_TYPE.DATA, 0xff_ff_ff)
  const report = await connect(stranger, {
    ...tlsWith(shootClient),
    host: 'seed',
    port: TUNNEL_PORT,
    sendHex,
  })
  t.equal(report.received.charCodeAt(0), FRAME_TYPE.WELCOME)
  t.match(report.received, 'frame-too-large', 'CLOSE')
  t.match(await seed.status(), { sessions: [{ state: 'active' }] })
  t.equal(((await seed.status()).sessions as unknown[]).length, 1)
})

t.test('the egress port', async (t) => {
  const to = { host: 'seed', port: EGRESS_PORT }
  const stranger = await egressCa.issue({ commonName: 'somebody-else', usage: 'client' })
  const other = await otherCa.issue({ commonName: 'kube-apiserver-http-proxy-client', usage: 'client' })
  for (const [who, reason, tls] of [
    ['another authority', 'wrong-ca', other],
    ['another name', 'wrong-name', stranger],
    ['no certificate', 'no-certificate', {}],
  ] as const) {
    t.test(`closes without a word for ${who}`, async (t) => {
      const report = await connect(caller, { ...to, tls, sendHex: '' })
      t.equal(report.received, '')
      const name = `seed_server_egress_callers_refused_total{reason="${reason}"}`
      t.equal((await seed.metrics()).get(name), 1)
    })
  }

  const pod = pod1.addresses.ipv4
  for (const [what, request, status] of [
    ['a target outside the networks', 'CONNECT 198.51.100.10:80 HTTP/1.1\r\nHost: x\r\n\r\n', '403'],
    ['a target without port', `CONNECT ${pod} HTTP/1.1\r\nHost: x\r\n\r\n`, '400'],
    ['what is no HTTP', 'HELLO?\r\n\r\n', '400'],
    ['GET', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n', '405'],
    ['a port that nobody listens on', `CONNECT ${pod}:81 HTTP/1.1\r\nHost: x\r\n\r\n`, '502'],
  ] as const) {
    t.test(`answers ${what} with ${status}`, async (t) => {
      const sendHex = Buffer.from(request).toString('hex')
      const { received } = await connect(caller, { ...to, tls: certificates.apiserver, sendHex })
      t.match(received, new RegExp(`^HTTP/1\\.1 ${status} `))
      t.match(received, /\r\nProxy-Status: seed-server; error=/)
    })
  }
})

t.test('nobody who carries packets has noticed', async (t) => {
  t.equal((await witness.end()).lost, 0)
  t.equal((await client.metrics()).get('shoot_client_tunnel_sessions_opened_total'), 1, 'the same session')
  t.equal(nginx.process.isRunning, true)
})

t.test('a CONNECT is held while the tunnel is down, then answered with 503', async (t) => {
  await client.stop()
  const beganMs = performance.now()
  const { code, stderr } = await stage.curlEgress(`http://${pod1.addresses.ipv4}/`)
  t.equal(code, 56)
  t.match(stderr, /503/)
  t.ok(performance.now() - beganMs >= 1000, 'held for the second that was asked for')
  const isIt = ({ msg, code, reason }: LogRecord) =>
    msg === 'egress request' && code === 503 && reason === 'tunnel-down'
  t.ok(await seed.waitForLog(isIt))
})

t.test('our client tells why it is refused', async (t) => {
  const strange = await otherCa.issue(shootClientRequest())
  const refused = await startShootClient(lab, { certificates, client: strange })
  const record = await refused.waitForLog(({ msg }) => msg === 'dial failed')
  t.match(record, { reason: 'rejected', detail: /wrong-ca/ })
  t.ok(
    ((await refused.metrics()).get('shoot_client_tunnel_dial_failures_total{reason="rejected"}') ?? 0) >= 1,
  )
  await refused.stop()
})

t.test('our client tells why it refuses the server', async (t) => {
  await seed.stop()
  for (const [what, reason, pair] of [
    ['another authority', 'wrong-ca', await otherCa.issue(seedServerRequest())],
    ['another name', 'wrong-name', await tunnelCa.issue(withFlaw(seedServerRequest(), 'wrong-name'))],
    [
      'an end in the past',
      'certificate-expired',
      await tunnelCa.issue(withFlaw(seedServerRequest(), 'expired')),
    ],
    ["a client's usage", 'wrong-usage', await tunnelCa.issue(withFlaw(seedServerRequest(), 'wrong-usage'))],
  ] as const) {
    t.test(`with a certificate of ${what}`, async (t) => {
      await using _seed = await startSeedServer(lab, { certificates: { ...certificates, seedServer: pair } })
      await using wary = await startShootClient(lab, {
        certificates,
        args: ['--server-name', SEED_SERVER_NAME],
      })
      t.match(await wary.waitForLog(({ msg }) => msg === 'dial failed'), { reason })
      t.equal((await wary.admin('/readyz')).status, 503)
      t.ok(
        ((await wary.metrics()).get(`shoot_client_tunnel_dial_failures_total{reason="${reason}"}`) ?? 0) >= 1,
      )
      t.notMatch(
        (await node.run('nft', ['list', 'tables'])).stdout,
        /reversed_vpn/,
        'nothing is opened for it',
      )
    })
  }
})

/** Of a connection that got REJECT and nothing else. */
function rejectCodeOf(received: string): string | undefined {
  if (received.charCodeAt(0) !== FRAME_TYPE.REJECT) return undefined
  return JSON.parse(received.slice(FRAME_HEADER_BYTES)).code
}
