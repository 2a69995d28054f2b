import { decodeControl, FRAME_TYPE, REJECT_CODES } from '@reversed-vpn/protocol'
import { CLOSE_CODES, type ControlName, GOAWAY_REASONS } from '@reversed-vpn/protocol/testing'
import { test } from 'tap'
import { GOOD_FIELDS, JOINING_HELLO } from './control-samples.js'

type Change = Readonly<Record<string, unknown>>

function decodeChanged(name: ControlName, change: Change): unknown {
  // A change to `undefined` leaves the key out, as JSON does.
  return decodeControl(FRAME_TYPE[name], Buffer.from(JSON.stringify({ ...GOOD_FIELDS[name], ...change })))
}

const { session, token, lane } = JOINING_HELLO
const ADDRESSES = { seed: ['10.0.0.1/24'], shoot: ['10.0.0.2/24'] }
const NETWORKS = { pod: [], service: [], node: [] }
const MANY_CIDRS = new Array<string>(257).fill('10.0.0.0/8')

const GOOD: Record<ControlName, readonly Change[]> = {
  HELLO: [
    { session, token, lane },
    { session, token, lane: 0 },
    { session, token, lane: 255 },
    { accepts: [] },
    { mtu: 576 },
    { mtu: 65_535 },
    { software: '' },
    { software: 'x'.repeat(128) },
    { lanes: 1 },
    { lanes: 256 },
    { carries: [] },
    { carries: ['packets', 'streams'] },
    { streams: 'a'.repeat(32) },
  ],
  WELCOME: [
    { carries: ['streams'], streams: { id: session, lane: 1 } },
    { streams: { id: session, lane: 281_474_976_710_655 } },
    { addresses: ADDRESSES },
    { networks: NETWORKS },
    { lane: 255, lanesMax: 256 },
    { lane: 0, lanesMax: 1 },
    { keepaliveMs: 1, deadAfterMs: 2 },
    { keepaliveMs: 3_599_999, deadAfterMs: 3_600_000 },
    { networks: { ...NETWORKS, pod: MANY_CIDRS.slice(1) } },
    { networks: { ...NETWORKS, pod: ['::/1', '::ffff:10.0.0.0/104', '0.0.0.0/1'] } },
  ],
  REJECT: [...REJECT_CODES.map((code) => ({ code })), { reason: '' }, { reason: 'x'.repeat(1024) }],
  PING: [{ id: 0 }, { id: 4_294_967_295 }],
  PONG: [{ id: 0 }, { id: 4_294_967_295 }],
  GOAWAY: [...GOAWAY_REASONS.map((reason) => ({ reason })), { lane: undefined }, { lane: 0 }, { lane: 255 }],
  CLOSE: [...CLOSE_CODES.map((code) => ({ code })), { reason: '' }],
}

const BAD: Record<ControlName, readonly Change[]> = {
  HELLO: [
    { version: undefined },
    { version: '1' },
    { version: 1.5 },
    { instance: undefined },
    { instance: 'a'.repeat(31) },
    { instance: 'a'.repeat(33) },
    { instance: 'A'.repeat(32) },
    { instance: `${'a'.repeat(32)}\n` },
    { accepts: undefined },
    { accepts: 'tso4' },
    { accepts: [4] },
    { accepts: ['x'.repeat(33)] },
    { accepts: new Array(33).fill('tso4') },
    { mtu: undefined },
    { mtu: 575 },
    { mtu: 65_536 },
    { mtu: 1500.5 },
    { mtu: '1500' },
    { software: null },
    { lanes: 0 },
    { lanes: 257 },
    { lanes: '2' },
    { software: 'x'.repeat(129) },
    { carries: 'streams' },
    { carries: new Array(33).fill('streams') },
    { streams: 'a'.repeat(31) },
    { streams: { id: session, lane: 1 } },
    { session },
    { token },
    { lane },
    { session, token },
    { session, lane },
    { token, lane },
    { session, token: null, lane },
    { session, token, lane: -1 },
    { session, token, lane: 256 },
    { session, token, lane: '3' },
    { session, token: token?.slice(2), lane },
    { session: token, token: session, lane },
  ],
  WELCOME: [
    { carries: null },
    { streams: session },
    { streams: { id: session } },
    { streams: { id: token, lane: 1 } },
    { streams: { id: session, lane: 0 } },
    { streams: { id: session, lane: 281_474_976_710_656 } },
    { version: undefined },
    { session: undefined },
    { session: token },
    { token: undefined },
    { token: session },
    { lane: undefined },
    { lane: 16 },
    { lane: -1 },
    { lanesMax: 0 },
    { lanesMax: 257 },
    { mtu: 0 },
    { accepts: undefined },
    { addresses: undefined },
    { addresses: [] },
    { addresses: { seed: [] } },
    { addresses: { ...ADDRESSES, seed: '10.0.0.1/24' } },
    { addresses: { ...ADDRESSES, seed: ['10.0.0.1'] } },
    { addresses: { ...ADDRESSES, shoot: ['10.0.0.256/24'] } },
    { networks: undefined },
    { networks: { pod: [], service: [] } },
    { networks: { ...NETWORKS, pod: ['10.0.0.0/33'] } },
    { networks: { ...NETWORKS, pod: ['2001:db8::/129'] } },
    { networks: { ...NETWORKS, pod: ['2001:db8::1::/64'] } },
    { networks: { ...NETWORKS, pod: ['fe80::%eth0/64'] } },
    { networks: { ...NETWORKS, pod: ['010.0.0.0/8'] } },
    { networks: { ...NETWORKS, pod: ['0.0.0.0/0'] } },
    { networks: { ...NETWORKS, pod: ['::/0'] } },
    { networks: { ...NETWORKS, pod: ['10.0.0.1/8'] } },
    { networks: { ...NETWORKS, pod: [''] } },
    { networks: { ...NETWORKS, pod: [null] } },
    { networks: { ...NETWORKS, pod: MANY_CIDRS } },
    { keepaliveMs: 0 },
    { keepaliveMs: 3_600_001, deadAfterMs: 3_600_002 },
    { keepaliveMs: 5000, deadAfterMs: 5000 },
    { deadAfterMs: undefined },
  ],
  REJECT: [
    { code: undefined },
    { code: 'dead-peer' },
    { code: 'toString' },
    { reason: undefined },
    { reason: 'x'.repeat(1025) },
  ],
  PING: [
    { id: undefined },
    { id: -1 },
    { id: 4_294_967_296 },
    { id: 0.5 },
    { id: '1' },
    { id: null },
    { id: true },
  ],
  PONG: [{ id: undefined }, { id: 4_294_967_296 }],
  GOAWAY: [{ reason: undefined }, { reason: 'later' }, { lane: null }, { lane: 256 }, { lane: '0' }],
  CLOSE: [
    { code: undefined },
    { code: 'wrong-ca' },
    { code: '__proto__' },
    { reason: undefined },
    { reason: 7 },
  ],
}

for (const name of Object.keys(GOOD) as ControlName[]) {
  test(`takes every ${name} within the limits, unchanged`, async (t) => {
    for (const change of GOOD[name]) {
      const expected = JSON.parse(JSON.stringify({ type: name, ...GOOD_FIELDS[name], ...change }))
      t.strictSame(decodeChanged(name, change), expected, JSON.stringify(change).slice(0, 100))
    }
  })

  test(`refuses a ${name} outside them`, async (t) => {
    for (const change of BAD[name]) {
      const expected = { code: 'ERR_CONTROL_INVALID', closeCode: 'bad-control' }
      const title = `${Object.keys(change)} ${JSON.stringify(change).slice(0, 100)}`
      t.throws(() => decodeChanged(name, change), expected, title)
    }
  })
}

test('drops kinds of offload that it does not know', async (t) => {
  t.match(decodeChanged('HELLO', { accepts: ['tso9', 'checksum', '__proto__', 'tso4', 'uso'] }), {
    accepts: ['checksum', 'tso4'],
  })
})

test('drops kinds of what a lane carries that it does not know', async (t) => {
  const carries = ['datagrams', 'streams', '__proto__', 'packets']
  t.match(decodeChanged('HELLO', { carries }), { carries: ['streams', 'packets'] })
  t.match(decodeChanged('WELCOME', { carries }), { carries: ['streams', 'packets'] })
})

test('refuses each message when a key that it needs is missing', async (t) => {
  const optional = ['software', 'lanes', 'session', 'token', 'lane']
  for (const name of Object.keys(GOOD_FIELDS) as ControlName[]) {
    for (const key of Object.keys(GOOD_FIELDS[name])) {
      if (name !== 'WELCOME' && optional.includes(key)) continue
      const decode = () => decodeChanged(name, { [key]: undefined })
      t.throws(
        decode,
        { code: 'ERR_CONTROL_INVALID', message: new RegExp(`^${name}\\.${key}: `) },
        `${name}.${key}`,
      )
    }
  }
})
