import assert from 'node:assert/strict'
import { type ControlMessage, decodeControl, encodeControl, TunnelError } from '@reversed-vpn/protocol'
import type { FuzzTarget } from '../fuzz-target.js'

const KEYS: Readonly<Record<string, readonly string[]>> = {
  HELLO: [
    'type',
    'version',
    'instance',
    'accepts',
    'mtu',
    'software',
    'lanes',
    'session',
    'token',
    'lane',
    'carries',
    'streams',
  ],
  WELCOME: [
    ...['type', 'version', 'session', 'token', 'lane', 'lanesMax', 'mtu', 'accepts', 'addresses', 'networks'],
    ...['keepaliveMs', 'deadAfterMs', 'carries', 'streams'],
  ],
  REJECT: ['type', 'code', 'reason'],
  PING: ['type', 'id'],
  PONG: ['type', 'id'],
  GOAWAY: ['type', 'lane', 'reason'],
  CLOSE: ['type', 'code', 'reason'],
}

/** The first byte is the frame's type; the rest its payload. */
function fuzz(input: Buffer): void {
  const payload = Buffer.from(input.subarray(1))
  let message: ControlMessage
  try {
    message = decodeControl(input[0] ?? 0, payload)
  } catch (error) {
    assert.ok(error instanceof TunnelError, String(error))
    assert.ok(error.closeCode !== undefined, 'there is a code to close with')
    assert.doesNotMatch(error.message, /[0-9a-f]{64}/, 'a token is quoted')
    return
  }
  checkMessage(message)
  const frame = encodeControl(message)
  assert.equal(frame.readUInt8(0), input[0])
  assert.deepEqual(decodeControl(frame.readUInt8(0), frame.subarray(4)), message, 'it comes back as it was')
}

function checkMessage(message: ControlMessage): void {
  assert.equal(Object.getPrototypeOf(message), Object.prototype)
  const known = KEYS[message.type] ?? []
  assert.deepEqual(
    Object.keys(message).filter((key) => !known.includes(key)),
    [],
    'keys that no message has',
  )
  const isBetween = (value: number, least: number, most: number) =>
    assert.ok(
      Number.isInteger(value) && value >= least && value <= most,
      `${value} is not in ${least}–${most}`,
    )
  switch (message.type) {
    case 'HELLO':
      assert.match(message.instance, /^[0-9a-f]{32}$/)
      isBetween(message.mtu, 576, 65_535)
      assert.equal(message.token === undefined, message.session === undefined)
      assert.equal(message.token === undefined, message.lane === undefined)
      break
    case 'WELCOME':
      assert.match(message.token, /^[0-9a-f]{64}$/)
      isBetween(message.mtu, 576, 65_535)
      isBetween(message.lanesMax, 1, 256)
      isBetween(message.lane, 0, message.lanesMax - 1)
      isBetween(message.deadAfterMs, message.keepaliveMs + 1, 3_600_000)
      break
    case 'PING':
    case 'PONG':
      isBetween(message.id, 0, 0xffff_ffff)
      break
    case 'GOAWAY':
      if (message.lane !== undefined) isBetween(message.lane, 0, 255)
      break
    case 'REJECT':
    case 'CLOSE':
      isBetween(message.reason.length, 0, 1024)
      break
    default:
      message satisfies never
  }
}

function seeds(): Record<string, Uint8Array> {
  const hello = {
    type: 'HELLO',
    version: 1,
    instance: '00112233445566778899aabbccddeeff',
    accepts: ['checksum', 'tso4', 'tso6'],
    mtu: 1500,
  } as const
  const membership = { session: '0123456789abcdef0123456789abcdef', token: 'f0'.repeat(32), lane: 3 }
  const messages: Readonly<Record<string, ControlMessage>> = {
    hello,
    'hello-joins': { ...hello, ...membership, software: 'shoot-client 0.1.0', lanes: 2 },
    welcome: {
      ...membership,
      type: 'WELCOME',
      version: 1,
      lanesMax: 16,
      mtu: 1500,
      accepts: ['checksum'],
      addresses: { seed: ['192.168.123.1/24', 'fd8f:6d53:b97a:1::1/112'], shoot: ['192.168.123.2/24'] },
      networks: { pod: ['100.96.0.0/11'], service: [], node: ['10.250.0.0/16', '2001:db8::/48'] },
      keepaliveMs: 5000,
      deadAfterMs: 15_000,
    },
    reject: { type: 'REJECT', code: 'wrong-name', reason: 'the certificate names "x"' },
    'hello-streams': { ...hello, carries: ['packets', 'streams'], streams: 'ab'.repeat(16) },
    ping: { type: 'PING', id: 1 },
    pong: { type: 'PONG', id: 0xffff_ffff },
    goaway: { type: 'GOAWAY', reason: 'superseded' },
    'goaway-lane': { type: 'GOAWAY', lane: 255, reason: 'rotate-age' },
    close: { type: 'CLOSE', code: 'dead-peer', reason: 'no byte for 15000 ms' },
  }
  const inputOf = (frame: Buffer) => Buffer.concat([frame.subarray(0, 1), frame.subarray(4)])
  const raw = (type: number, payload: string | Uint8Array) =>
    Buffer.concat([Buffer.from([type]), Buffer.from(payload as Uint8Array)])
  return {
    ...Object.fromEntries(
      Object.entries(messages).map(([name, each]) => [name, inputOf(encodeControl(each))]),
    ),
    'other-version': raw(1, '{"version":2}'),
    'unknown-keys': raw(4, '{"id":1,"__proto__":{"id":2},"constructor":3}'),
    'key-twice': raw(5, '{"id":1,"id":2}'),
    'not-an-object': raw(6, '[]'),
    'byte-order-mark': raw(4, '\ufeff{"id":1}'),
    'not-utf-8': raw(7, Buffer.from('7b2273ff227d', 'hex')),
    'half-a-surrogate': raw(7, '{"code":"internal","reason":"\\ud800"}'),
    'no-control-frame': raw(0, '{}'),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
