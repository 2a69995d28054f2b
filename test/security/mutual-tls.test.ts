import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import type { TlsOptions } from 'node:tls'
import { ALPN_PROTOCOL, FRAME_HEADER_BYTES, FRAME_TYPE } from '@reversed-vpn/protocol'
import {
  type CertificateRequest,
  type Daemon,
  type Flaw,
  type Host,
  type KeyPair,
  type LogRecord,
  NODE_PUBLIC,
  type OpensslAuthority,
  SEED_SERVER_NAME,
  seedServerRequest,
  shootClientRequest,
  startSeedServer,
  startShootClient,
  withFlaw,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { type ConnectionOrder, connect } from '../e2e/support/connection.js'
import { QUICK_RECONNECT, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { FalseServer } from './support/false-server.js'
import { HostilePeer } from './support/hostile-peer.js'
import { dialTls, Inlet } from './support/inlet.js'

const TUNNEL_PORT = 1194
const EGRESS_PORT = 9443
const OTHER_WAY_PORT = 4314
const ALPN = [ALPN_PROTOCOL]

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, pki, certificates } = stage
const { gateway: stranger, node, seed: seedHost } = lab.hosts
const { tunnelCa, egressCa, shootClient, apiserver } = certificates
const otherCa = await pki.authority('somebody-elses')

/** Somebody who dials, and why that comes to nothing. */
interface Visit {
  readonly who: string
  readonly reason: string
  readonly tls: NonNullable<ConnectionOrder['tls']>
  /** A certificate is refused after the handshake, so that there is a way to say why. */
  readonly isAboutCertificate: boolean
}

/** Everything that can be wrong with one who should show a certificate as in `good`. */
async function visitsInPlaceOf(
  good: CertificateRequest,
  ca: OpensslAuthority,
  alpn: string[],
): Promise<Visit[]> {
  const beside = { ...good, dnsNames: ['*', `${good.commonName}.example`, 'somebody-else'] }
  const pairs: [who: string, reason: string, pair: KeyPair][] = [
    ['is not valid yet', 'certificate-not-yet-valid', await ca.issue(withFlaw(good, 'not-yet-valid'))],
    ['has expired', 'certificate-expired', await ca.issue(withFlaw(good, 'expired'))],
    ['is of another authority', 'wrong-ca', await otherCa.issue(good)],
    ['has another name', 'wrong-name', await ca.issue(withFlaw(good, 'wrong-name'))],
    ['has the name only as common name beside others', 'wrong-name', await ca.issue(beside)],
    ['is for servers', 'wrong-usage', await ca.issue(withFlaw(good, 'wrong-usage'))],
  ]
  const pair = await ca.issue(good)
  return [
    ...pairs.map(([who, reason, flawed]) => {
      return { who: `a certificate that ${who}`, reason, tls: { ...flawed, alpn }, isAboutCertificate: true }
    }),
    { who: 'no certificate', reason: 'no-certificate', tls: { alpn }, isAboutCertificate: true },
    {
      who: 'TLS 1.2',
      reason: 'old-tls',
      tls: { ...pair, alpn, maxVersion: 'TLSv1.2' },
      isAboutCertificate: false,
    },
    { who: 'another ALPN', reason: 'wrong-alpn', tls: { ...pair, alpn: ['h2'] }, isAboutCertificate: false },
  ]
}

/** What a dial comes to while one server goes and the next is not there yet. */
const BETWEEN_SERVERS = new Set<unknown>(['refused', 'closed', 'timeout'])

interface Door {
  readonly daemon: Daemon
  readonly address: string
  readonly port: number
  /** The counter with a label `reason`. */
  readonly metric: string
  /** Whether REJECT tells why. */
  readonly tells: boolean
}

/** Each visit comes to nothing, is told why where it can be, and is counted under its own reason and no other. */
async function expectRefused(t: Test, door: Door, visits: readonly Visit[]): Promise<void> {
  const { daemon, address: host, port, metric, tells } = door
  await daemon.waitForLog(({ msg }) => msg === 'started')
  const before = await reasonsOf(daemon, metric)
  const reports = await Promise.all(
    visits.map(({ tls }) => connect(stranger, { host, port, tls, sendHex: '' })),
  )
  for (const [index, { who, reason, isAboutCertificate }] of visits.entries()) {
    const received = reports[index]?.received ?? ''
    if (tells && isAboutCertificate) t.equal(rejectCodeOf(received), reason, `${who} is told why`)
    else t.equal(received, '', `${who} is told nothing`)
  }
  const risen = new Map<string, number>()
  for (const [reason, value] of await reasonsOf(daemon, metric)) {
    const more = value - (before.get(reason) ?? 0)
    if (more > 0) risen.set(reason, more)
  }
  const expected = new Map<string, number>()
  for (const { reason } of visits) expected.set(reason, (expected.get(reason) ?? 0) + 1)
  t.strictSame(risen, expected, 'each is counted under its own reason')
}

t.test('the seed-server, which listens', async (t) => {
  await using seed = await startSeedServer(lab, { certificates })
  const address = seedHost.addresses.ipv4

  await t.test('tells every reason of refusal apart on the tunnel port', async (t) => {
    const visits = await visitsInPlaceOf(shootClientRequest(), tunnelCa, ALPN)
    const metric = 'seed_server_tunnel_refusals_total'
    await expectRefused(t, { daemon: seed, address, port: TUNNEL_PORT, metric, tells: true }, visits)
    const logged = seed.logs.filter(({ msg }) => msg === 'connection refused').map(({ reason }) => reason)
    t.strictSame(new Set(logged), new Set(visits.map(({ reason }) => reason)), 'in the log as well')
  })

  await t.test('ends a connection that agreed on no protocol', async (t) => {
    const report = await connect(stranger, { host: 'seed', port: TUNNEL_PORT, tls: shootClient, sendHex: '' })
    t.match(report, { isSecured: true, received: '' })
  })

  await t.test('resumes no session, so that every connection proves anew who it is', async (t) => {
    await using inlet = await Inlet.to(lab, stranger, `${address}:${TUNNEL_PORT}`)
    const options = { ...contentOf(shootClient), ALPNProtocols: ALPN, servername: SEED_SERVER_NAME }
    const first = await dialTls(inlet, options)
    const ticket = once(first, 'session')
    using peer = new HostilePeer(first)
    const [session] = await ticket
    // What is written from within that event stays where it is.
    await turnOfLoop()
    peer.say({ type: 'PING', id: 1 })
    t.match(await peer.ended(), { type: 'REJECT' })
    using second = new HostilePeer(await dialTls(inlet, { ...options, session }))
    t.equal(second.socket.isSessionReused(), false)
  })

  await t.test('tells every reason of refusal apart on the egress port, in its metrics', async (t) => {
    const commonName = 'kube-apiserver-http-proxy-client'
    const good: CertificateRequest = { commonName, dnsNames: [commonName], usage: 'client' }
    const visits = await visitsInPlaceOf(good, egressCa, ['http/1.1'])
    const metric = 'seed_server_egress_callers_refused_total'
    await expectRefused(t, { daemon: seed, address, port: EGRESS_PORT, metric, tells: false }, visits)
  })

  await t.test('lets those in who are right about all of it', async (t) => {
    const sendHex = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n').toString('hex')
    const report = await connect(stranger, { host: address, port: EGRESS_PORT, tls: apiserver, sendHex })
    t.match(report.received, /^HTTP\/1\.1 405 /, 'a caller')
    await using client = await stage.startClient()
    await client.waitUntilReady()
    t.pass('a shoot-client')
  })
})

t.test('a seed-server with a revocation list refuses who stands on it', async (t) => {
  const revoked = await tunnelCa.issue(shootClientRequest())
  await tunnelCa.revoke(revoked)
  const args = ['--tls-crl', await tunnelCa.writeCrl()]
  await using seed = await startSeedServer(lab, { certificates, args })
  const visit = { who: 'who is revoked', reason: 'revoked', isAboutCertificate: true }
  const door = { daemon: seed, address: seedHost.addresses.ipv4, port: TUNNEL_PORT, tells: true }
  await expectRefused(t, { ...door, metric: 'seed_server_tunnel_refusals_total' }, [
    { ...visit, tls: { ...revoked, alpn: ALPN } },
  ])
})

t.test('the shoot-client, which dials, tells every reason apart', async (t) => {
  await using client = await startShootClient(lab, { certificates, args: QUICK_RECONNECT })
  const metric = 'shoot_client_tunnel_dial_failures_total'
  await expectRefusing(t, { daemon: client, host: seedHost, port: TUNNEL_PORT, metric }, seedServerRequest())
  t.equal((await client.admin('/readyz')).status, 503)
  const { stdout } = await node.mustRun('nft', ['list', 'tables'])
  t.notMatch(stdout, /reversed_vpn/, 'nothing was opened for any of them')
})

t.test('the other way round, where the shoot-client listens', async (t) => {
  await node.nft(`add rule inet lab direct tcp dport ${OTHER_WAY_PORT} accept\n`)
  await t.test('it tells every reason of refusal apart', async (t) => {
    const server = await tunnelCa.issue({ ...shootClientRequest(), usage: 'server' })
    const args = ['--listen', `[::]:${OTHER_WAY_PORT}`]
    await using client = await startShootClient(lab, { certificates, client: server, args })
    const good: CertificateRequest = { ...seedServerRequest(), usage: 'client' }
    const visits = await visitsInPlaceOf(good, tunnelCa, ALPN)
    const metric = 'shoot_client_tunnel_refusals_total'
    const door = { daemon: client, address: NODE_PUBLIC.ipv4, port: OTHER_WAY_PORT, metric, tells: true }
    await expectRefused(t, door, visits)
  })

  await t.test('the seed-server that dials tells every reason apart', async (t) => {
    const own = await tunnelCa.issue({ ...seedServerRequest(), usage: 'client' })
    await using seed = await startSeedServer(lab, {
      certificates: { ...certificates, seedServer: own },
      args: [...QUICK_RECONNECT, '--dial', `${NODE_PUBLIC.ipv4}:${OTHER_WAY_PORT}`],
    })
    const metric = 'seed_server_tunnel_dial_failures_total'
    const good: CertificateRequest = { ...shootClientRequest(), usage: 'server' }
    await expectRefusing(t, { daemon: seed, host: node, port: OTHER_WAY_PORT, metric }, good)
  })
})

interface FalseDoor {
  readonly daemon: Daemon
  readonly host: Host
  readonly port: number
  readonly metric: string
}

/** A daemon that dials gives up on every server that is not as it should be, and says why in log and metric. */
async function expectRefusing(t: Test, door: FalseDoor, good: CertificateRequest): Promise<void> {
  const { daemon, host, port, metric } = door
  const right = contentOf(await tunnelCa.issue(good))
  const flawed = async (flaw: Flaw) => contentOf(await tunnelCa.issue(withFlaw(good, flaw)))
  const beside = { ...good, dnsNames: ['*', 'somebody-else'] }
  const servers: [what: string, reason: string, options: TlsOptions][] = [
    ['a certificate not valid yet', 'certificate-not-yet-valid', await flawed('not-yet-valid')],
    ['an expired certificate', 'certificate-expired', await flawed('expired')],
    ['another authority', 'wrong-ca', contentOf(await otherCa.issue(good))],
    ['another name', 'wrong-name', await flawed('wrong-name')],
    ['the name only as common name beside others', 'wrong-name', contentOf(await tunnelCa.issue(beside))],
    ["a client's certificate", 'wrong-usage', await flawed('wrong-usage')],
    ['TLS 1.2', 'old-tls', { ...right, maxVersion: 'TLSv1.2' }],
    ['no ALPN', 'wrong-alpn', { ...right, ALPNProtocols: [] }],
    ['another ALPN', 'wrong-alpn', { ...right, ALPNProtocols: ['h2'] }],
  ]
  for (const [what, reason, options] of servers) {
    const before = (await reasonsOf(daemon, metric)).get(reason) ?? 0
    const fromLine = daemon.process.output.length
    const falseServer = await FalseServer.start(lab, host, port, { ALPNProtocols: ALPN, ...options })
    const isNews = ({ msg, reason }: LogRecord) => msg === 'dial failed' && !BETWEEN_SERVERS.has(reason)
    t.match(await daemon.waitForLog(isNews, { fromLine }), { reason }, what)
    await falseServer[Symbol.asyncDispose]()
    t.ok(((await reasonsOf(daemon, metric)).get(reason) ?? 0) > before, `counted as ${reason}`)
  }
}

/** What `node:tls` wants to have. */
function contentOf({ certFile, keyFile }: KeyPair) {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

/** The values above zero of a counter by its label `reason`. */
async function reasonsOf(daemon: Daemon, metric: string): Promise<Map<string, number>> {
  const counted = [...(await daemon.metrics())].flatMap(([name, value]): [string, number][] => {
    const reason = name.startsWith(`${metric}{`) ? /reason="([^"]+)"/.exec(name)?.[1] : undefined
    return reason === undefined || value === 0 ? [] : [[reason, value]]
  })
  return new Map(counted)
}

/** Of a connection that got REJECT and nothing else. */
function rejectCodeOf(received: string): string | undefined {
  if (received.charCodeAt(0) !== FRAME_TYPE.REJECT) return undefined
  return JSON.parse(received.slice(FRAME_HEADER_BYTES)).code
}
