// What strangers can make a port cost, on every port of every daemon: memory and time are bounded, and nothing else notices.
import { setTimeout as delay } from 'node:timers/promises'
import { EGRESS_MEMORY, GATEWAY_MEMORY } from '@reversed-vpn/kubernetes/testing'
import { binOf, type Daemon, destinationOf, PodMemory, startSniGateway } from '@reversed-vpn/test/lab'
import t from 'tap'
import { EndlessPing } from '../e2e/support/endless-ping.js'
import {
  peakBytes,
  resetPeakBytes,
  residentBytes,
  stolenSeconds,
  waitedSeconds,
} from '../e2e/support/process-state.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'
import { Flood, type FloodPlan } from './support/start-flood.js'

const MIB = 1024 * 1024
const CONNECTIONS = 200
const MAX_GROWTH_BYTES = 30 * MIB
/** The metric includes the interval of its samples. */
const LAG_SAMPLE_SECONDS = 0.5
/** Beside the time without a processor, which the daemons, the floods, the test and what else the machine does share. */
const MAX_LAG_SECONDS = 0.1
const FLOOD_MS = 4000

const TUNNEL_PORT = 1194
const WEB_SOCKET_PORT = 8080
const EGRESS_PORT = 9443
const CONNECT_PORT = 8132
const GATEWAY_TLS_PORT = 443

t.setTimeout(120_000)

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { caller, gateway: gatewayHost, internet: stranger, pod1, seed: seedHost } = lab.hosts
/** Long enough that it is the floods that have to be borne, not how busy the machine is. */
const patient = ['--keepalive', '5s', '--dead-after', '15s']
/** As large as what `render` and `gateway` give a container. */
const podOf = (name: string, { limit }: { readonly limit: string }) =>
  new PodMemory(lab.id, name, Number(limit.replace(/Mi$/, '')) * MIB)
const pods = { gateway: podOf('gateway', GATEWAY_MEMORY), seed: podOf('seed', EGRESS_MEMORY) }
const [gateway, seed] = await Promise.all([
  startSniGateway(lab, {
    routes: [
      {
        name: 'tunnel',
        destinations: [destinationOf('shoot--lab')],
        backend: `${seedHost.addresses.ipv4}:${TUNNEL_PORT}`,
      },
    ],
    args: ['--admin-listen', '[::]:15002'],
    command: pods.gateway.within([binOf('sni-gateway')]),
  }),
  stage.startSeed(
    [...patient, '--websocket-listen', `[::]:${WEB_SOCKET_PORT}`, '--admin-listen', '[::]:15000'],
    pods.seed.within([binOf('seed-server')]),
  ),
])
const header = `Reversed-VPN: ${destinationOf('shoot--lab')}`
const client = await stage.startClient({
  args: [...patient, '--gateway', gateway.url, '--header', header],
})
await client.waitUntilReady()

// What a daemon needs for its first scrapes is not what strangers cost.
for (let scrape = 0; scrape < 20; scrape++) await Promise.all([seed.metrics(), gateway.daemon.metrics()])

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`
const upgrade = [
  'GET / HTTP/1.1',
  'Host: a.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '',
  '',
].join('\r\n')
/** A frame of a WebSocket with one byte or none, masked with zeros. */
const frame = (first: number, payload = '') =>
  String.fromCharCode(first, 0x80 | payload.length, 0, 0, 0, 0) + payload
/** Begins a ClientHello that is announced as longer than any, in a record as long as it may be. */
const endlessHello = `\x16\x03\x01\x40\x00\x01\x01\xff\xff\x03\x03${'x'.repeat(16_378)}`

type Speech = Partial<NonNullable<FloodPlan['speech']>>

interface Case {
  readonly what: string
  readonly daemon: Daemon
  readonly address: string
  readonly port: number
  readonly speech: Speech
  readonly tls?: FloodPlan['tls']
}

const atGateway = { daemon: gateway.daemon, address: gatewayHost.addresses.ipv4 }
const atSeed = { daemon: seed, address: seedHost.addresses.ipv4 }
const pipelined = (path = '/') => ({ repeated: get(path), times: 20_000 })

const CASES: readonly Case[] = [
  { what: "requests to the gateway's CONNECT port", ...atGateway, port: CONNECT_PORT, speech: pipelined() },
  {
    what: "CONNECTs to the gateway's CONNECT port",
    ...atGateway,
    port: CONNECT_PORT,
    speech: { repeated: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', times: 20_000 },
  },
  {
    what: "headers without end to the gateway's CONNECT port",
    ...atGateway,
    port: CONNECT_PORT,
    speech: { begin: 'CONNECT a:1 HTTP/1.1\r\n', repeated: 'X: y\r\n', times: 100_000 },
  },
  { what: "requests to the gateway's TLS port", ...atGateway, port: GATEWAY_TLS_PORT, speech: pipelined() },
  {
    what: "a ClientHello without end to the gateway's TLS port",
    ...atGateway,
    port: GATEWAY_TLS_PORT,
    speech: { begin: endlessHello, repeated: `\x16\x03\x01\x40\x00${'x'.repeat(16_384)}`, times: 6 },
  },
  { what: "scrapes of the gateway's metrics", ...atGateway, port: 15_002, speech: pipelined('/metrics') },
  {
    what: "scrapes of the seed's metrics, which start a process",
    ...atSeed,
    port: 15_000,
    speech: pipelined('/metrics'),
  },
  {
    what: 'scrapes that nobody reads the answer of',
    ...atSeed,
    port: 15_000,
    speech: { ...pipelined('/metrics'), isReading: false },
  },
  {
    what: 'headers of the admin port that come to no end',
    ...atSeed,
    port: 15_000,
    speech: { begin: 'GET / HT' },
  },
  { what: 'requests to the WebSocket port', ...atSeed, port: WEB_SOCKET_PORT, speech: pipelined() },
  {
    what: 'a WebSocket message in fragments, without its end',
    ...atSeed,
    port: WEB_SOCKET_PORT,
    speech: {
      begin: upgrade,
      repeated: frame(0x02, 'x') + frame(0x00, 'x').repeat(1000),
      times: 200,
      isPatient: true,
    },
  },
  {
    what: 'a WebSocket message of a megabyte, without its end',
    ...atSeed,
    port: WEB_SOCKET_PORT,
    speech: {
      begin: upgrade,
      // What is repeated is payload of the first.
      repeated: `\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00${'x'.repeat(1010)}`,
      times: 1000,
      isPatient: true,
    },
  },
  {
    what: 'pings whose answers nobody reads',
    ...atSeed,
    port: WEB_SOCKET_PORT,
    speech: { begin: upgrade, repeated: frame(0x89), times: 200_000, isPatient: true, isReading: false },
  },
  { what: 'requests to the tunnel port', ...atSeed, port: TUNNEL_PORT, speech: pipelined() },
  {
    what: 'a ClientHello without end to the tunnel port',
    ...atSeed,
    port: TUNNEL_PORT,
    speech: { begin: endlessHello, repeated: `\x16\x03\x01\x40\x00${'x'.repeat(16_384)}`, times: 6 },
  },
  { what: 'requests to the egress port without TLS', ...atSeed, port: EGRESS_PORT, speech: pipelined() },
  {
    what: 'requests to the egress port by callers',
    ...atSeed,
    port: EGRESS_PORT,
    speech: pipelined(),
    tls: certificates.apiserver,
  },
]

function floodWith({ address, port, speech, tls }: Case): Promise<Flood> {
  const whole = { begin: '', repeated: '', times: 0, isReading: true, ...speech }
  const to = { host: address, port, connections: CONNECTIONS }
  return Flood.start(stranger, { ...to, kind: 'speech', speech: whole, tls })
}

/** The first flood makes V8's young generation as large as it may be, once. */
async function warmUp(): Promise<void> {
  for (const { port } of [{ port: CONNECT_PORT }, { port: WEB_SOCKET_PORT }]) {
    const flood = CASES.find((one) => one.port === port)
    if (flood === undefined) throw new Error(`no case for port ${port}`)
    for (let round = 0; round < 2; round++) await (await floodWith(flood)).end()
  }
}
await warmUp()

for (const one of CASES) {
  const { what, daemon } = one
  t.test(`${CONNECTIONS} connections with ${what} cost little`, async (t) => {
    const ping = await EndlessPing.start(caller, pod1.addresses.ipv4)
    await lagSeconds(daemon)
    const beforeBytes = residentBytes(daemon)
    const beforeSeconds = waitedSeconds(daemon) + stolenSeconds()
    resetPeakBytes(daemon)
    const flood = await floodWith(one)
    await delay(FLOOD_MS)
    const health = await daemon.admin('/healthz')
    const grownBytes = peakBytes(daemon) - beforeBytes
    const lag = await lagSeconds(daemon)
    const waited = waitedSeconds(daemon) + stolenSeconds() - beforeSeconds
    await flood.end()
    t.equal(health.status, 200, 'healthy all the time')
    t.ok(
      grownBytes < MAX_GROWTH_BYTES,
      `${(grownBytes / MIB).toFixed(1)} MiB more than ${beforeBytes / MIB} MiB`,
    )
    const late = `the event loop was late by ${lag.toFixed(3)} s and had no processor for ${waited.toFixed(3)} s`
    t.ok(lag < MAX_LAG_SECONDS + waited, late)
    const { answered, lost } = await ping.end()
    t.equal(lost, 0, `all of ${answered} pings are answered`)
  })
}

t.test('it was one session all the time, in the memory of a rendered container', async (t) => {
  for (const { kills, peakBytes } of Object.values(pods)) t.equal(kills, 0, `${peakBytes / MIB} MiB at most`)
  t.equal((await client.metrics()).get('shoot_client_tunnel_sessions_opened_total'), 1)
})

/** The 99th percentile since it was last asked for. */
async function lagSeconds(daemon: Daemon): Promise<number> {
  for (const [name, value] of await daemon.metrics())
    if (name.endsWith('_nodejs_eventloop_lag_p99_seconds')) return Math.max(0, value - LAG_SAMPLE_SECONDS)
  return Number.NaN
}
