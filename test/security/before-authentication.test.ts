// Strangers who have proved nothing: that they are many does not keep anybody out, nor stop what runs.
import { readFileSync } from 'node:fs'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import { HANDSHAKE_TIMEOUT_MS } from '@reversed-vpn/secure'
import { UNFINISHED_LIMITS } from '@reversed-vpn/session/testing'
import { binOf, ROUTED_CALLER, startIperf3, startNginx, startSeedServer } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { connect } from '../e2e/support/connection.js'
import { EndlessPing } from '../e2e/support/endless-ping.js'
import { descriptorsOf, residentBytes, untilDescriptors } from '../e2e/support/process-state.js'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { HostilePeer } from './support/hostile-peer.js'
import { dialTls, Inlet } from './support/inlet.js'
import { Flood, type FloodPlan } from './support/start-flood.js'

const IS_FULL = process.env.REVERSED_VPN_FULL === '1'
const CONNECTIONS = IS_FULL ? 3000 : 500
const TUNNEL_PORT = 1194
const EGRESS_PORT = 9443
const WEB_SOCKET_PORT = 8080
/** What many a container is limited to. */
const DESCRIPTORS_OF_A_CONTAINER = 1024
/** For those who get in meanwhile. */
const SPARE_DESCRIPTORS = 100
const MIB = 1024 * 1024
/** What the process may keep for the next time. */
const MEMORY_LEFT_BYTES = 64 * MIB
/** Each says its garbage, is cut and comes again: up to a thousand in a second. */
const GARBAGE_CONNECTIONS = 50
const GARBAGE_PAUSE_MS = 50
/** What a busy machine takes besides. */
const LATE_MS = 20_000

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { caller, gateway: stranger, internet: other, pod1, seed: seedHost } = lab.hosts
const seedAddress = seedHost.addresses.ipv4
/** Long enough that it is the floods that have to be borne, not how busy the machine is. */
const patient = ['--keepalive', '5s', '--dead-after', '15s']
/** As in many a container: more than these descriptors it cannot open, whatever comes. */
const limited = ['prlimit', `--nofile=${DESCRIPTORS_OF_A_CONTAINER}:${DESCRIPTORS_OF_A_CONTAINER}`]
const [seed, client] = await Promise.all([
  startSeedServer(lab, {
    certificates,
    command: [...limited, binOf('seed-server')],
    args: [...patient, ...ROUTED_CALLER, '--websocket-listen', `[::]:${WEB_SOCKET_PORT}`],
  }),
  stage.startClient({ args: patient }),
  startNginx(lab, pod1),
])
await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
const inlets = await Promise.all(
  [stranger, other].map((from) => Inlet.to(lab, from, `${seedAddress}:${TUNNEL_PORT}`)),
)
const tls = {
  cert: readFileSync(certificates.shootClient.certFile),
  key: readFileSync(certificates.shootClient.keyFile),
  ALPNProtocols: [ALPN_PROTOCOL],
}

function floodOf(port: number, kind: FloodPlan['kind'], connections = CONNECTIONS): FloodPlan {
  const plan = { host: seedAddress, port, connections, kind }
  return kind === 'garbage' ? { ...plan, comesAgainAfterMs: GARBAGE_PAUSE_MS } : plan
}

t.test('who does not finish a handshake is cut after ten seconds, whatever they did', async (t) => {
  const tls = { ...certificates.shootClient, alpn: [ALPN_PROTOCOL] }
  const to = { host: seedAddress, port: TUNNEL_PORT }
  const [silent, half, hushed, mute] = await Promise.all([
    connect(stranger, to),
    connect(stranger, { ...to, sendHex: '16030100f8' }),
    connect(stranger, { ...to, tls }),
    connect(stranger, { ...to, port: EGRESS_PORT }),
  ])
  for (const [who, { durationMs }] of Object.entries({ silent, half, hushed, mute })) {
    t.ok(
      durationMs >= HANDSHAKE_TIMEOUT_MS && durationMs < HANDSHAKE_TIMEOUT_MS + LATE_MS,
      `${who}: ${durationMs} ms`,
    )
  }
  t.equal(silent.received, '')
  t.match(hushed.received, /no HELLO within/, 'and told why, where they had proved who they are')
  t.equal(await refusals('handshake-timeout'), 3)
})

t.test('at the limit the oldest unfinished connection goes', async (t) => {
  const { max, maxPerSource } = UNFINISHED_LIMITS
  const before = { descriptors: descriptorsOf(seed), bytes: residentBytes(seed) }
  await t.test('of the source that has the most it may have', async (t) => {
    const refused = await refusals('source-limit')
    const flood = await Flood.start(stranger, floodOf(TUNNEL_PORT, 'idle', maxPerSource + 10))
    t.equal(await untilRefused('source-limit', refused + 10), refused + 10)
    await flood.untilClosed(10)
    t.equal((await flood.end()).closed, 10)
    await expectBackTo(t, before)
  })
  await t.test('of all, where many sources are at it', async (t) => {
    const refused = await refusals('too-many-handshakes')
    const first = await Flood.start(stranger, floodOf(TUNNEL_PORT, 'idle', maxPerSource))
    const second = await Flood.start(other, floodOf(TUNNEL_PORT, 'idle', max - maxPerSource + 10))
    t.equal(await untilRefused('too-many-handshakes', refused + 10), refused + 10)
    t.equal((await second.end()).closed, 0, 'the later ones stay')
    await first.untilClosed(10)
    t.equal((await first.end()).closed, 10)
    await expectBackTo(t, before)
  })
})

const FLOODS = [
  ['connections to the tunnel port that say nothing', floodOf(TUNNEL_PORT, 'idle')],
  ['connections to the tunnel port that say a byte now and then', floodOf(TUNNEL_PORT, 'slow')],
  ['garbage on the tunnel port', floodOf(TUNNEL_PORT, 'garbage', GARBAGE_CONNECTIONS)],
  ['connections to the egress port that say nothing', floodOf(EGRESS_PORT, 'idle')],
  ['garbage on the egress port', floodOf(EGRESS_PORT, 'garbage', GARBAGE_CONNECTIONS)],
  ['connections to the WebSocket port that say nothing', floodOf(WEB_SOCKET_PORT, 'idle')],
] as const

for (const [what, plan] of FLOODS) {
  t.test(`a flood of ${what} keeps nobody out and stops nothing`, async (t) => {
    const before = { descriptors: descriptorsOf(seed), bytes: residentBytes(seed) }
    const ping = await EndlessPing.start(caller, pod1.addresses.ipv4)
    const flood = await Flood.start(stranger, plan)
    t.ok(descriptorsOf(seed) < DESCRIPTORS_OF_A_CONTAINER - SPARE_DESCRIPTORS, 'some descriptors are left')
    for (const address of Object.values(pod1.addresses)) {
      t.match(await stage.curlEgress(`http://${inUrl(address)}/`), { code: 0, stdout: 'pod1\n' }, 'a caller')
    }
    for (const [index, inlet] of inlets.entries()) {
      using peer = new HostilePeer(await dialTls(inlet, tls))
      peer.say({ type: 'HELLO', version: 1, instance: `${index}`.repeat(32), accepts: [], mtu: 1500 })
      t.match(
        await peer.heard('WELCOME'),
        { type: 'WELCOME' },
        'a shoot-client, also from where the flood is from',
      )
    }
    const { made } = await flood.end()
    t.ok(made >= plan.connections, `${made} connections`)
    t.equal((await ping.end()).lost, 0, 'no packet of the session that runs was lost')
    await expectBackTo(t, before)
  })
}

t.test('it was one session all the time', async (t) => {
  t.equal((await client.metrics()).get('shoot_client_tunnel_sessions_opened_total'), 1)
})

if (IS_FULL) {
  t.test('a stream that runs keeps its share of the machine', async (t) => {
    await startIperf3(pod1)
    for (const [what, plan] of FLOODS) {
      const alone: number[] = []
      const beside: number[] = []
      // In turns, since others use the machine as well.
      for (let round = 0; round < 3; round++) {
        alone.push(await throughput())
        const flood = await Flood.start(stranger, plan)
        beside.push(await throughput())
        await flood.end()
      }
      const ratio = median(beside) / median(alone)
      // Half is aimed at; what else runs on the machine decides about the rest.
      t.ok(ratio >= 0.25, `${ratio.toFixed(2)} of it beside ${what}`)
    }
  })
}

t.test('connections of a trusted proxy have no limit of their own', async (t) => {
  await Promise.all([client.stop(), seed.stop()])
  const { maxPerSource, max } = UNFINISHED_LIMITS
  const args = ['--trusted-proxy', `${stranger.addresses.ipv4}/32`]
  await using proxied = await startSeedServer(lab, { certificates, args })
  await proxied.waitForLog(({ msg }) => msg === 'started')
  const flood = await Flood.start(stranger, floodOf(TUNNEL_PORT, 'idle', max))
  t.ok(max > maxPerSource)
  t.equal((await flood.end()).closed, 0)
})

/** Of one TCP stream to a pod, in bits per second. */
async function throughput(): Promise<number> {
  const args = ['--json', '--time', '3', '--client', pod1.addresses.ipv4]
  const { stdout } = await caller.mustRun('iperf3', args)
  return JSON.parse(stdout).end.sum_received.bits_per_second
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

async function refusals(reason: string): Promise<number> {
  return (await seed.metrics()).get(`seed_server_tunnel_refusals_total{reason="${reason}"}`) ?? 0
}

/** A connection stands before the daemon has seen it: waits until it has seen that many. */
async function untilRefused(reason: string, count: number): Promise<number> {
  const signal = AbortSignal.timeout(30_000)
  for (;;) {
    const seen = await refusals(reason)
    if (seen >= count || signal.aborted) return seen
  }
}

/**
 * Nothing is left of it: no descriptor, and no memory to speak of. Where the port's backlog overflowed, the kernel still holds some
 * connections for open whose other end is gone: these are cut when the time for their handshake is over.
 */
async function expectBackTo(
  t: Test,
  before: { readonly descriptors: number; readonly bytes: number },
): Promise<void> {
  const deadlineMs = HANDSHAKE_TIMEOUT_MS + LATE_MS
  await t.resolves(untilDescriptors(seed, before.descriptors, { deadlineMs }))
  const grown = residentBytes(seed) - before.bytes
  t.ok(grown < MEMORY_LEFT_BYTES, `${Math.round(grown / MIB)} MiB more than before`)
}
