// A seed that has a good certificate and keeps to no rule, against the shoot-client.
import { readFileSync } from 'node:fs'
import { DEFAULT_TRANSFER_NETWORKS } from '@reversed-vpn/ip'
import {
  ALPN_PROTOCOL,
  type ControlMessage,
  encodeControl,
  FRAME_TYPE,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import { type Daemon, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { countPackets } from '../e2e/support/packet-count.js'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { frameOf as dataOf, udp4 } from '../fuzz/sample-packets.js'
import { ABUSES } from './support/abuses.js'
import { dropsOf, metricsWithFirewall, risen } from './support/drops.js'
import { FalseServer } from './support/false-server.js'
import { countReasons, flawedPackets } from './support/flawed-packets.js'
import { frameOf, type HostilePeer } from './support/hostile-peer.js'

const ENDS = {
  source: '192.168.123.1',
  destination: '100.96.1.2',
  source6: 'fd8f6d53b97a00010000000000000001',
  destination6: 'fd000010009600010000000000000002',
}
/** The usual ones, and two that this node needs for itself. */
const TRANSFER_NETWORKS = `${DEFAULT_TRANSFER_NETWORKS},10.250.0.0/16,203.0.113.0/24`
/** Inside the pod network, and refused all the same. */
const METADATA = '100.100.100.200'
const WELCOME: WelcomeMessage = {
  type: 'WELCOME',
  version: 1,
  session: 'a'.repeat(32),
  token: 'b'.repeat(64),
  lane: 0,
  lanesMax: 16,
  mtu: 1500,
  accepts: [],
  addresses: {
    seed: ['192.168.123.1/24', 'fd8f:6d53:b97a:1::1/112'],
    shoot: ['192.168.123.2/24', 'fd8f:6d53:b97a:1::2/112'],
  },
  networks: { pod: ['100.96.0.0/11', 'fd00:10:96::/48'], service: [], node: ['10.250.0.0/16'] },
  keepaliveMs: 5000,
  deadAfterMs: 15_000,
}

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { node, pod1, seed: seedHost } = lab.hosts
await startNginx(lab, pod1)
const hostile = await FalseServer.start(lab, seedHost, 1194, {
  cert: readFileSync(certificates.seedServer.certFile),
  key: readFileSync(certificates.seedServer.keyFile),
  ALPNProtocols: [ALPN_PROTOCOL],
})
const client = await stage.startClient({
  args: [
    '--keepalive',
    '5s',
    '--dead-after',
    '15s',
    '--reconnect-max',
    '100ms',
    '--lanes',
    '1',
    '--vpn-network',
    TRANSFER_NETWORKS,
  ],
})

/** The client's next connection. */
async function greeted(): Promise<HostilePeer> {
  const peer = await hostile.nextPeer()
  await peer.heard('HELLO')
  return peer
}

/** A session that is up on the client's side. */
async function welcomed(): Promise<HostilePeer> {
  const peer = await greeted()
  peer.say(WELCOME)
  await peer.roundTrip(0)
  return peer
}

t.test('what is no WELCOME is answered with CLOSE, and the client dials again', async (t) => {
  for (const [what, bytes, code] of [
    ['DATA', frameOf(FRAME_TYPE.DATA, dataOf(udp4())), 'unexpected-frame'],
    ['PING', encodeControl({ type: 'PING', id: 1 }), 'unexpected-frame'],
    ['no JSON', frameOf(FRAME_TYPE.WELCOME, 'welcome'), 'bad-control'],
    [
      'a network of everything',
      welcomeWith({ networks: { pod: ['0.0.0.0/0'], service: [], node: [] } }),
      'bad-control',
    ],
    ['a token that is none', welcomeWith({ token: 'guess' }), 'bad-control'],
    ['times that make no sense', welcomeWith({ keepaliveMs: 5000, deadAfterMs: 1 }), 'bad-control'],
    ['an MTU of nothing', welcomeWith({ mtu: 0 }), 'bad-control'],
    ['more lanes than there are', welcomeWith({ lanesMax: 100_000 }), 'bad-control'],
    ['a frame of 16 MiB', frameOf(FRAME_TYPE.WELCOME, '', 0xff_ff_ff), 'frame-too-large'],
  ] as const) {
    const before = await counted(client, 'shoot_client_tunnel_dial_failures_total{reason="handshake"}')
    const peer = await greeted()
    peer.write(bytes)
    t.match(await endOf(peer), { type: 'CLOSE', code }, what)
    t.ok(
      (await counted(client, 'shoot_client_tunnel_dial_failures_total{reason="handshake"}')) > before,
      'counted',
    )
  }
})

t.test(
  "a transfer network over the node's own addresses, or one nobody allowed, is refused, and nothing is changed for it",
  async (t) => {
    for (const [what, seed, shoot, detail] of [
      ["the node's network", '10.250.0.77/16', '10.250.0.78/16', /covers/],
      ['the network of its gateway', '203.0.113.77/24', '203.0.113.78/24', /covers/],
      ['an eighth of IPv4', '192.0.0.1/3', '192.0.0.2/3', /192\.0\.0\.0\/3, --vpn-network allows 192\.168/],
    ] as const) {
      const fromLine = client.process.output.length
      const peer = await greeted()
      peer.say({
        ...WELCOME,
        addresses: { seed: [seed], shoot: [shoot] },
        networks: { pod: ['100.96.0.0/11'], service: [], node: [] },
      })
      await peer.ended()
      t.match(await client.waitForLog(({ msg }) => msg === 'dial failed', { fromLine }), { detail }, what)
      t.notMatch(
        (await node.mustRun('nft', ['list', 'tables'])).stdout,
        /reversed_vpn/,
        'no firewall of ours',
      )
      t.notMatch((await node.mustRun('ip', ['address'])).stdout, seed.replace(/\/.*/, ''), 'no address')
    }
  },
)

t.test('packets that no seed may send are dropped, each counted by its reason', async (t) => {
  const peer = await welcomed()
  const packets = flawedPackets(ENDS)
  await using seen = await countPackets(node, ['iifname "vpn0"'])
  const before = await dropsOf(client, 'toShoot')
  for (const { payload } of packets) peer.sayFrame(FRAME_TYPE.DATA, payload)
  peer.sayFrame(FRAME_TYPE.DATA, dataOf(udp4({ source: ENDS.source, destination: METADATA })))
  await peer.roundTrip(1)
  const expected = countReasons(packets).set('refused-destination', 1)
  t.strictSame(risen(before, await dropsOf(client, 'toShoot')), expected)
  t.equal(await seen.read('iifname "vpn0"'), 0, 'none of them got to the kernel')
  peer.destroy()
})

t.test("the client's own ports and other addresses of the node end at its firewall", async (t) => {
  const peer = await welcomed()
  const firewall = async () =>
    [...(await metricsWithFirewall(client))]
      .filter(([name]) => name.startsWith('shoot_client_tunnel_firewall_dropped_packets_total'))
      .reduce((sum, [, value]) => sum + value, 0)
  const before = await firewall()
  const destinations = ['10.250.0.2', '100.96.1.1', '10.250.255.255']
  for (const destination of destinations) {
    const packet = udp4({ source: ENDS.source, destination })
    packet.writeUInt16BE(15_001, 22)
    peer.sayFrame(FRAME_TYPE.DATA, dataOf(packet))
  }
  await peer.roundTrip(1)
  t.equal(await firewall(), before + destinations.length)
  t.equal(peer.packets.length, 0, 'without an answer')
  peer.destroy()
})

t.test(
  'frames that break a rule end the session with the code that stands for it, and are counted',
  async (t) => {
    for (const { what, code, act } of ABUSES) {
      const metric = `shoot_client_tunnel_protocol_errors_total{code="${code}"}`
      const before = await counted(client, metric)
      const peer = await welcomed()
      act(peer)
      t.match(await endOf(peer), { type: 'CLOSE', code }, what)
      t.equal(await counted(client, metric), before + 1, `${what} is counted`)
    }
  },
)

t.test('an honest seed-server in the same place serves afterwards', async (t) => {
  await hostile[Symbol.asyncDispose]()
  await using seed = await stage.startSeed(['--keepalive', '5s', '--dead-after', '15s'])
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  for (const address of Object.values(pod1.addresses)) {
    t.match(await stage.curlEgress(`http://${inUrl(address)}/`), { code: 0, stdout: 'pod1\n' })
  }
})

/** A WELCOME that no encoder of ours would let out. */
function welcomeWith(more: object): Buffer {
  const { type: _, ...fields } = WELCOME
  return frameOf(FRAME_TYPE.WELCOME, JSON.stringify({ ...fields, ...more }))
}

/** What the client said last but HELLO. */
async function endOf(peer: HostilePeer): Promise<ControlMessage | undefined> {
  const last = await peer.ended()
  return last?.type === 'HELLO' ? undefined : last
}

async function counted(daemon: Daemon, metric: string): Promise<number> {
  return (await daemon.metrics()).get(metric) ?? 0
}
