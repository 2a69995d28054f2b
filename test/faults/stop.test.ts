import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import {
  binOf,
  type CertificateRequest,
  type Daemon,
  destinationOf,
  type Host,
  type KeyPair,
  type LabProcess,
  NODE_PUBLIC,
  seedServerRequest,
  shootClientRequest,
  startSeedServer,
  startShootClient,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

/** As a rule. */
const STOPPED_WITHIN_MS = 1000
/** At most, on a machine that others keep busy: less than what is waited for in any of these states would take to end. */
const STOPPED_AT_LAST_MS = 4500
/** None of them takes connections for real. */
const PORTS = { silent: 7001, mute: 7002, unreached: 7003, closed: 7004, dialled: 4314 } as const

const stoppedMs: number[] = []

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates, hosts } = stage
const seedAddress = hosts.seed.addresses.ipv4
const nodeAddress = hosts.node.addresses.ipv4

// Packets for the first are lost, and so are questions to the name server.
await hosts.seed.nft(`table inet lost {
  chain input {
    type filter hook input priority 0
    tcp dport ${PORTS.unreached} drop
    udp dport 53 drop
  }
}`)
await startSilent()
await startMuteSeed()
const forBoth = (request: CertificateRequest) => certificates.tunnelCa.issue({ ...request, usage: 'both' })
const [dialling, listening] = await Promise.all([forBoth(seedServerRequest()), forBoth(shootClientRequest())])
await hosts.node.nft(`add rule inet lab direct tcp dport ${PORTS.dialled} accept\n`)

/** It takes connections and all that they bring, and never says a word. */
async function startSilent(): Promise<void> {
  for (const host of [hosts.seed, hosts.node]) {
    const silent = await host.spawn('socat', [
      '-u',
      `TCP-LISTEN:${PORTS.silent},fork,reuseaddr`,
      'OPEN:/dev/null',
    ])
    await host.waitForPort(silent, PORTS.silent)
  }
}

/** It ends TLS like a seed-server, and never answers HELLO. */
async function startMuteSeed(): Promise<void> {
  const { certFile, keyFile } = certificates.seedServer
  const files = ['-cert', certFile, '-key', keyFile, '-CAfile', certificates.tunnelCa.certFile]
  const args = [
    's_server',
    '-accept',
    String(PORTS.mute),
    '-alpn',
    ALPN_PROTOCOL,
    '-Verify',
    '1',
    '-quiet',
    ...files,
  ]
  const mute = await hosts.seed.spawn('openssl', args)
  await hosts.seed.waitForPort(mute, PORTS.mute, { families: [6] })
}

const server = (port: number) => ['--server', `${seedAddress}:${port}`]

/** The states of a shoot-client that dials, and what brings it there. */
const DIALLING: Readonly<Record<string, readonly string[]>> = {
  'resolving a name': ['--server', 'seed.never.example:1194'],
  connecting: server(PORTS.unreached),
  'waiting for the answer to CONNECT': [...server(1194), '--proxy', `http://${seedAddress}:${PORTS.silent}`],
  'in the TLS handshake with a gateway': [
    ...server(1194),
    '--gateway',
    `https://${seedAddress}:${PORTS.silent}`,
  ],
  'waiting for the answer to an upgrade': [
    ...server(1194),
    '--gateway',
    `ws://${seedAddress}:${PORTS.silent}/`,
  ],
  'in the TLS handshake with the seed-server': server(PORTS.silent),
  'waiting for WELCOME': server(PORTS.mute),
  'backing off': [...server(PORTS.closed), '--reconnect-min', '50s', '--reconnect-max', '60s'],
}

for (const [state, args] of Object.entries(DIALLING)) {
  t.test(`SIGTERM ends a shoot-client at once: ${state}`, async (t) => {
    await using client = await stage.startClient({ args, command: await askingNobody('shoot-client') })
    if (state === 'backing off') await client.waitForLog(({ msg }) => msg === 'dial failed')
    else await new Promise((resolve) => setTimeout(resolve, 500))
    await endsInTime(t, client)
  })
}

/** The states of a seed-server without a tunnel, and what brings it there. */
const SEEDS: Readonly<Record<string, readonly string[]>> = {
  'waiting for a shoot-client': [],
  'dialling a name': ['--dial', 'shoot.never.example:4314'],
  'in the TLS handshake with a shoot-client': ['--dial', `${nodeAddress}:${PORTS.silent}`],
  'backing off': [
    '--dial',
    `${nodeAddress}:${PORTS.closed}`,
    '--reconnect-min',
    '50s',
    '--reconnect-max',
    '60s',
  ],
}

for (const [state, args] of Object.entries(SEEDS)) {
  t.test(`SIGTERM ends a seed-server at once: ${state}`, async (t) => {
    await using seed = await stage.startSeed(args, await askingNobody('seed-server'))
    await new Promise((resolve) => setTimeout(resolve, 500))
    await endsInTime(t, seed)
  })
}

t.test('SIGTERM ends a shoot-client at once: waiting for a seed-server, and up', async (t) => {
  {
    await using idle = await stage.startClient()
    await endsInTime(t, idle)
  }
  const { seed, client } = await stage.startBoth()
  await endsInTime(t, client)
  await endsInTime(t, seed)
})

t.test('SIGTERM ends a seed-server at once: HELLO is awaited', async (t) => {
  await using seed = await stage.startSeed()
  await seed.waitForLog(({ msg }) => msg === 'started')
  const mute = await connectMute(hosts.node, `${seedAddress}:1194`, certificates.shootClient)
  await endsInTime(t, seed)
  await mute.stop('SIGKILL')
})

t.test('SIGTERM ends a shoot-client that listens at once: WELCOME is awaited, and up', async (t) => {
  await using client = await startShootClient(lab, {
    certificates,
    client: listening,
    args: ['--listen', `[::]:${PORTS.dialled}`],
  })
  await using seed = await startSeedServer(lab, {
    certificates: { ...certificates, seedServer: dialling },
    args: ['--dial', `${NODE_PUBLIC.ipv4}:${PORTS.dialled}`],
  })
  await seed.waitUntilReady()
  const mute = await connectMute(hosts.gateway, `${NODE_PUBLIC.ipv4}:${PORTS.dialled}`, dialling)
  await endsInTime(t, client)
  await mute.stop('SIGKILL')
})

t.test('SIGTERM ends a seed-server at once: a superseded session drains', async (t) => {
  const { seed, client } = await stage.startBoth(['--drain-timeout', '60s'], {
    args: ['--drain-timeout', '0s'],
  })
  await using second = await stage.startClient({ host: hosts.node2 })
  await client.waitForLog(({ msg }) => msg === 'another shoot-client took over')
  await second.waitUntilReady()
  await endsInTime(t, seed)
  await endsInTime(t, client)
})

/** The states of a connection at the gateway before it is passed on: the client's program, and what brings it there. */
const GATEWAY: Readonly<Record<string, readonly string[]>> = {
  'waiting for a ClientHello': ['socat', '-u', `TCP:${hosts.gateway.addresses.ipv4}:443`, 'STDOUT'],
  'waiting for a CONNECT': ['socat', '-u', `TCP:${hosts.gateway.addresses.ipv4}:8132`, 'STDOUT'],
  'dialling the backend of a server name': curlTls('unreached.example'),
  'looking up the backend of a server name': curlTls('never.example'),
  'dialling the backend of a CONNECT': curlConnect('unreached'),
  'looking up the backend of a CONNECT': curlConnect('never'),
}

for (const [state, [program = '', ...args]] of Object.entries(GATEWAY)) {
  t.test(`SIGTERM ends an sni-gateway at once: ${state}`, async (t) => {
    await using gateway = await startGateway()
    const client = await hosts.node.spawn(program, args)
    await untilConnections(gateway, 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await endsInTime(t, gateway)
    await client.stop('SIGKILL')
    t.match(
      gateway.logs.find(({ msg }) => msg === 'connection'),
      { reason: 'drained' },
    )
  })
}

t.test('an sni-gateway lets what it relays go on after SIGTERM, and ends with it', async (t) => {
  await using gateway = await startGateway()
  const [program = '', ...args] = curlConnect('silent')
  const client = await hosts.node.spawn(program, args)
  await client.waitForLine(/^< HTTP\/1\.1 200/)
  gateway.process.kill('SIGTERM')
  await gateway.waitForLog(({ msg }) => msg === 'stopping')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  t.ok(gateway.process.isRunning && client.isRunning, 'the drain was asked for')
  await client.stop('SIGKILL')
  t.equal((await gateway.process.exited).code, 0)
})

t.test('half of all these took less than a second', async (t) => {
  const median = stoppedMs.toSorted((one, other) => one - other)[stoppedMs.length >> 1] ?? Number.NaN
  t.ok(median < STOPPED_WITHIN_MS, `${Math.round(median)} ms`)
})

async function startGateway(): Promise<Daemon> {
  const backends = { unreached: `${seedAddress}:${PORTS.unreached}`, never: 'seed.never.example:1194' }
  const { daemon } = await startSniGateway(lab, {
    routes: Object.entries({ ...backends, silent: `${seedAddress}:${PORTS.silent}` }).map(
      ([name, backend]) => ({
        ...{ name, backend },
        ...{ serverNames: [`${name}.example`], destinations: [destinationOf(name)] },
      }),
    ),
    command: await askingNobody('sni-gateway'),
  })
  return daemon
}

function curlTls(name: string): readonly string[] {
  return [
    'curl',
    '-sk',
    '-m',
    '60',
    '--connect-to',
    `::${hosts.gateway.addresses.ipv4}:443`,
    `https://${name}/`,
  ]
}

function curlConnect(name: string): readonly string[] {
  const proxy = ['--proxytunnel', '--proxy', `http://${hosts.gateway.addresses.ipv4}:8132`]
  const header = ['--proxy-header', `Reversed-VPN: ${destinationOf(name)}`]
  return ['curl', '-sv', '-m', '60', ...proxy, ...header, 'http://anything.example/']
}

async function untilConnections(gateway: Daemon, count: number): Promise<void> {
  while ((await gateway.status()).connections !== count)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Dials a daemon with a certificate that it takes, and says nothing once TLS is up. */
async function connectMute(from: Host, address: string, { certFile, keyFile }: KeyPair): Promise<LabProcess> {
  const files = ['-cert', certFile, '-key', keyFile, '-CAfile', certificates.tunnelCa.certFile]
  const mute = await from.spawn('openssl', [
    's_client',
    '-ign_eof',
    '-connect',
    address,
    '-alpn',
    ALPN_PROTOCOL,
    ...files,
  ])
  await mute.waitForLine(/^ALPN protocol: reversed-vpn/)
  return mute
}

async function endsInTime(t: Pick<typeof import('tap').t, 'equal' | 'ok'>, daemon: Daemon): Promise<void> {
  const startedAtMs = performance.now()
  daemon.process.kill('SIGTERM')
  const { code } = await daemon.process.exited
  const ms = performance.now() - startedAtMs
  t.equal(code, 0)
  t.ok(ms < STOPPED_AT_LAST_MS, `ended after ${Math.round(ms)} ms`)
  stoppedMs.push(ms)
}

/** A program whose only name server is one that never answers. */
async function askingNobody(
  program: 'seed-server' | 'shoot-client' | 'sni-gateway',
): Promise<readonly string[]> {
  const file = join(lab.dir, 'resolv.conf')
  await writeFile(file, `nameserver ${seedAddress}\n`)
  // `ip netns exec` has given it a mount namespace of its own.
  return ['sh', '-c', 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', 'sh', file, binOf(program)]
}
