// A shoot that has a good certificate and keeps to no rule, against the seed-server.
import { readFileSync } from 'node:fs'
import {
  ALPN_PROTOCOL,
  encodeControl,
  FRAME_TYPE,
  type HelloMessage,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import { startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { EndlessPing } from '../e2e/support/endless-ping.js'
import { countPackets } from '../e2e/support/packet-count.js'
import { residentBytes } from '../e2e/support/process-state.js'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { frameOf as dataOf, ip4, udp4 } from '../fuzz/sample-packets.js'
import { ABUSES } from './support/abuses.js'
import { dropsOf, metricsWithFirewall, risen } from './support/drops.js'
import { countReasons, flawedPackets } from './support/flawed-packets.js'
import { frameOf, HostilePeer } from './support/hostile-peer.js'
import { dialTls, Inlet } from './support/inlet.js'

const IS_FULL = process.env.REVERSED_VPN_FULL === '1'
const PINGS = IS_FULL ? 1_000_000 : 50_000
const SESSIONS = IS_FULL ? 100 : 20
const LANES_MAX = 16
const MAX_SESSIONS = 8
const MIB = 1024 * 1024
const ENDS = {
  source: '100.96.1.77',
  destination: '192.168.123.1',
  source6: 'fd000010009600010000000000000077',
  destination6: 'fd8f6d53b97a00010000000000000001',
}

t.setTimeout(IS_FULL ? 240_000 : 60_000)

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { caller, gateway: hostile, pod1, seed: seedHost } = lab.hosts
const [{ seed, client }] = await Promise.all([stage.startBoth(), startNginx(lab, pod1)])
const inlet = await Inlet.to(lab, hostile, `${seedHost.addresses.ipv4}:1194`)
const tls = {
  cert: readFileSync(certificates.shootClient.certFile),
  key: readFileSync(certificates.shootClient.keyFile),
  ALPNProtocols: [ALPN_PROTOCOL],
}
/** A stream of packets of the honest session that nothing here may touch. */
const witness = await EndlessPing.start(caller, pod1.addresses.ipv4)

let instances = 0

function helloOf(more: Partial<HelloMessage> = {}): HelloMessage {
  const instance = (++instances).toString(16).padStart(32, '0')
  return { type: 'HELLO', version: 1, instance, accepts: [], mtu: 1500, ...more }
}

async function dial(): Promise<HostilePeer> {
  return new HostilePeer(await dialTls(inlet, tls))
}

/** A lane that is up on their side. PINGs stay unanswered, so that its session takes nothing over. */
async function dialLane(
  more: Partial<HelloMessage> = {},
): Promise<[peer: HostilePeer, welcome: WelcomeMessage]> {
  const peer = await dial()
  peer.say(helloOf(more))
  return [peer, await peer.heard('WELCOME')]
}

t.test('packets that no shoot may send are dropped, each counted by its reason', async (t) => {
  const [peer] = await dialLane()
  const packets = flawedPackets(ENDS)
  await using seen = await countPackets(seedHost, ['ip saddr 100.96.1.77', 'iifname "vpn0" ip6 version 6'])
  const before = await dropsOf(seed, 'toSeed')
  for (const { payload } of packets) peer.sayFrame(FRAME_TYPE.DATA, payload)
  await peer.roundTrip(1)
  t.strictSame(risen(before, await dropsOf(seed, 'toSeed')), countReasons(packets))
  t.strictSame([...(await seen.readAll()).values()], [0, 0], 'none of them got to the kernel')
  peer.destroy()
})

t.test('packets in the right form that answer nobody end at the firewall', async (t) => {
  const [peer] = await dialLane()
  const counter = 'seed_server_tunnel_firewall_dropped_packets_total{rule="from_shoot_not_reply"}'
  const before = (await metricsWithFirewall(seed)).get(counter) ?? 0
  const ports = 100
  for (let port = 0; port < ports; port++) {
    const packet = udp4({ source: ENDS.source, destination: ENDS.destination })
    packet.writeUInt16BE(port, 22)
    peer.sayFrame(FRAME_TYPE.DATA, dataOf(packet))
  }
  await peer.roundTrip(1)
  t.equal((await metricsWithFirewall(seed)).get(counter), before + ports)
  t.equal(peer.packets.length, 0, 'without an answer')
  peer.destroy()
})

t.test('fragments that overlap do not come together, those of honest packets do', async (t) => {
  const [peer] = await dialLane()
  const match = `ip saddr ${ENDS.source} udp dport 0x0102`
  await using whole = await countPackets(seedHost, [match])
  const fragment = (identification: number, offset: number, more: boolean, bytes: number) => {
    const { source, destination } = ENDS
    const rest = Buffer.alloc(bytes)
    if (offset === 0) rest.set(Buffer.from('0304010200280000', 'hex'))
    const flags = (more ? 0x2000 : 0) | offset
    return frameOf(
      FRAME_TYPE.DATA,
      dataOf(ip4(17, rest, { source, destination, identification, fragment: flags })),
    )
  }
  peer.write(Buffer.concat([fragment(1, 0, true, 24), fragment(1, 2, true, 16), fragment(1, 4, false, 8)]))
  await peer.roundTrip(1)
  t.equal(await whole.read(match), 0, 'overlapping ones')
  peer.write(Buffer.concat([fragment(2, 0, true, 24), fragment(2, 3, false, 16)]))
  await peer.roundTrip(2)
  t.equal(await whole.read(match), 1, 'the same without the overlap')
  peer.destroy()
  for (const address of Object.values(pod1.addresses)) {
    const { stdout } = await caller.run('ping', ['-c', '3', '-i', '0.05', '-s', '3000', address])
    t.match(stdout, / 3 received/, `3000 bytes to ${address} and back`)
  }
  const server = await pod1.spawn('socat', ['UDP-LISTEN:7000,fork', 'PIPE'])
  await pod1.waitForPort(server, 7000, { protocol: 'udp' })
  const echo = `UDP:${inUrl(pod1.addresses.ipv4)}:7000`
  const { stdout } = await caller.run('socat', ['-b', '9000', '-T', '1', 'STDIO', echo], {
    input: 'x'.repeat(6000),
  })
  t.equal(stdout.length, 6000, 'a datagram of 6000 bytes')
})

t.test('frames before HELLO are answered with REJECT, and counted', async (t) => {
  const metric = 'seed_server_tunnel_refusals_total{reason="unexpected-frame"}'
  for (const [what, bytes] of [
    ['DATA', frameOf(FRAME_TYPE.DATA, dataOf(udp4()))],
    ['PING', encodeControl({ type: 'PING', id: 1 })],
    ['PONG', encodeControl({ type: 'PONG', id: 1 })],
    ['GOAWAY', encodeControl({ type: 'GOAWAY', reason: 'superseded' })],
  ] as const) {
    const before = (await seed.metrics()).get(metric) ?? 0
    using peer = await dial()
    peer.write(bytes)
    t.match(await peer.ended(), { type: 'REJECT', code: 'bad-hello' }, what)
    t.equal((await seed.metrics()).get(metric), before + 1, `${what} is counted`)
  }
})

t.test('who says CLOSE before HELLO hears nothing more', async (t) => {
  using peer = await dial()
  peer.say({ type: 'CLOSE', code: 'internal', reason: 'never mind' })
  t.equal(await peer.ended(), undefined)
})

t.test(
  'frames that break a rule end the lane with the code that stands for it, and are counted',
  async (t) => {
    for (const { what, code, act } of ABUSES) {
      const metric = `seed_server_tunnel_protocol_errors_total{code="${code}"}`
      const before = (await seed.metrics()).get(metric) ?? 0
      const [peer] = await dialLane()
      act(peer)
      t.match(await peer.ended(), { type: 'CLOSE', code }, what)
      t.equal((await seed.metrics()).get(metric), before + 1, `${what} is counted`)
    }
  },
)

t.test('frames of unknown types are skipped', async (t) => {
  const [peer] = await dialLane()
  for (const type of [8, 63, 73, 127, 128, 255]) {
    peer.sayFrame(type)
    peer.sayFrame(type, Buffer.alloc(65_545, type))
  }
  await peer.roundTrip(1)
  t.pass('and the lane goes on')
  peer.destroy()
})

t.test('a token cannot be guessed, nor a lane had beyond the last', async (t) => {
  const [first, { session, token, lanesMax }] = await dialLane()
  t.equal(lanesMax, LANES_MAX)
  const wrong = token.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
  for (const [what, code, join] of [
    ['a wrong token', 'unknown-session', { session, token: wrong, lane: 1 }],
    ['a session that is not there', 'unknown-session', { session: 'f'.repeat(32), token, lane: 1 }],
    [
      'a lane beyond the last, with a wrong token',
      'unknown-session',
      { session, token: wrong, lane: LANES_MAX },
    ],
    ['a lane beyond the last', 'lane-out-of-range', { session, token, lane: LANES_MAX }],
  ] as const) {
    const metric = `seed_server_tunnel_refusals_total{reason="${code}"}`
    const before = (await seed.metrics()).get(metric) ?? 0
    using peer = await dial()
    peer.say(helloOf(join))
    t.match(await peer.ended(), { type: 'REJECT', code }, what)
    t.equal((await seed.metrics()).get(metric), before + 1, `${what} is counted`)
  }
  await first.roundTrip(1)
  t.pass('the session that was guessed at goes on')
  t.notMatch(seed.process.tail(1000), new RegExp(token), 'its token is in no log')
  t.notMatch((await seed.admin('/status')).body, new RegExp(token), 'nor in the status')
  first.destroy()
})

t.test('a lane that is replaced again and again leaves nothing behind', async (t) => {
  const [first, { session, token }] = await dialLane()
  const peers = [first]
  for (let i = 0; i < 20; i++) {
    const [next] = await dialLane({ session, token, lane: 0 })
    peers.push(next)
  }
  for (const peer of peers.slice(0, -1)) {
    t.match(await peer.ended(), { type: 'CLOSE', code: 'replaced' })
  }
  await peers.at(-1)?.roundTrip(1)
  for (const peer of peers) peer.destroy()
})

t.test('a flood of sessions that answer no PING takes the place of none that does', async (t) => {
  const peers: [HostilePeer, WelcomeMessage][] = []
  for (let i = 0; i < SESSIONS; i++) peers.push(await dialLane())
  const { sessions } = (await seed.status()) as { sessions: { state: string }[] }
  t.equal(sessions.length, MAX_SESSIONS)
  t.equal(sessions.filter(({ state }) => state === 'active').length, 1)
  for (const [peer] of peers) peer.destroy()
})

t.test('a flood of HELLOs in one go ends with the second', async (t) => {
  using peer = await dial()
  peer.write(Buffer.concat(Array.from({ length: 1000 }, () => encodeControl(helloOf()))))
  t.match(await peer.ended(), { type: 'CLOSE', code: 'unexpected-frame' })
})

t.test('a flood of PINGs is answered, and bounded where nobody reads the answers', async (t) => {
  const flood = Buffer.concat(Array.from({ length: 1000 }, () => encodeControl({ type: 'PING', id: 7 })))
  const [reader] = await dialLane()
  for (let sent = 0; sent < PINGS; sent += 1000) {
    reader.write(flood)
    // Answers that pile up are left out, so the next PINGs wait for those to these.
    await reader.roundTrip(PINGS + sent)
  }
  t.equal(reader.pongs.get(7), PINGS)
  reader.destroy()

  const before = residentBytes(seed)
  const fromLine = seed.process.output.length
  const [deaf] = await dialLane()
  deaf.socket.pause()
  for (let sent = 0; sent < PINGS; sent += 1000) deaf.write(flood)
  // Whoever is first ends it: the kernel, since its window stays shut, or the keepalive, since no byte comes any more.
  const { err } = await seed.waitForLog(({ msg }) => msg === 'lane lost', { fromLine, deadlineMs: 60_000 })
  t.match((err as Error).message, /no byte|ETIMEDOUT|ended without CLOSE/)
  const grown = residentBytes(seed) - before
  t.ok(grown < 64 * MIB, `${Math.round(grown / MIB)} MiB more than before`)
  deaf.destroy()
})

t.test('the honest session has not noticed', async (t) => {
  t.equal((await witness.end()).lost, 0)
  t.equal((await client.metrics()).get('shoot_client_tunnel_sessions_opened_total'), 1)
  for (const address of Object.values(pod1.addresses)) {
    t.match(await stage.curlEgress(`http://${inUrl(address)}/`), { code: 0, stdout: 'pod1\n' })
  }
  await expectNoSessionLeft(t)
})

async function expectNoSessionLeft(t: Test): Promise<void> {
  const { sessions } = (await seed.status()) as { sessions: unknown[] }
  t.match(sessions, [{ state: 'active' }])
  t.equal(sessions.length, 1, 'nothing of the others is left')
}
