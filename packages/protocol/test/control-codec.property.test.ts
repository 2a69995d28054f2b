import assert from 'node:assert/strict'
import { makeCidr } from '@reversed-vpn/ip'
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  FRAME_TYPE,
  OFFLOAD_KINDS,
  REJECT_CODES,
  TunnelError,
} from '@reversed-vpn/protocol'
import { CLOSE_CODES, GOAWAY_REASONS } from '@reversed-vpn/protocol/testing'
import fc from 'fast-check'
import { test } from 'tap'

// The same cases every time, or a test would fail for whoever comes by; another seed explores others.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) })

const hexDigits = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
const lane = fc.integer({ min: 0, max: 255 })
const mtu = fc.integer({ min: 576, max: 65_535 })
const accepts = fc.array(fc.constantFrom(...OFFLOAD_KINDS), { maxLength: 4 })
const reason = fc.string({ unit: 'binary', maxLength: 500 })
const cidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join('/')),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map((parts) => parts.join('/')),
)
const cidrs = fc.array(cidr, { maxLength: 8 })
const network = fc.oneof(
  fc
    .tuple(fc.bigInt(0n, 2n ** 32n - 1n), fc.integer({ min: 1, max: 32 }))
    .map(([at, bits]) => makeCidr(4, at, bits).text),
  fc
    .tuple(fc.bigInt(0n, 2n ** 128n - 1n), fc.integer({ min: 1, max: 128 }))
    .map(([at, bits]) => makeCidr(6, at, bits).text),
)
const networks = fc.array(network, { maxLength: 8 })
const id = fc.integer({ min: 0, max: 0xffff_ffff })
const version = fc.constant(1)
const hello = { type: fc.constant('HELLO' as const), version, instance: hexDigits(32), accepts, mtu }

const messageArbitrary: fc.Arbitrary<ControlMessage> = fc.oneof(
  fc.record(hello),
  fc.record({
    ...hello,
    software: fc.string({ maxLength: 128 }),
    lanes: fc.integer({ min: 1, max: 256 }),
    session: hexDigits(32),
    token: hexDigits(64),
    lane,
  }),
  fc.record({
    type: fc.constant('WELCOME' as const),
    version,
    session: hexDigits(32),
    token: hexDigits(64),
    lane,
    lanesMax: fc.constant(256),
    mtu,
    accepts,
    addresses: fc.record({ seed: cidrs, shoot: cidrs }),
    networks: fc.record({ pod: networks, service: networks, node: networks }),
    keepaliveMs: fc.integer({ min: 1, max: 60_000 }),
    deadAfterMs: fc.integer({ min: 60_001, max: 3_600_000 }),
  }),
  fc.record({ type: fc.constant('REJECT' as const), code: fc.constantFrom(...REJECT_CODES), reason }),
  fc.record({ type: fc.constantFrom('PING' as const, 'PONG' as const), id }),
  fc.record({ type: fc.constant('GOAWAY' as const), lane, reason: fc.constantFrom(...GOAWAY_REASONS) }),
  fc.record({ type: fc.constant('GOAWAY' as const), reason: fc.constantFrom(...GOAWAY_REASONS) }),
  fc.record({ type: fc.constant('CLOSE' as const), code: fc.constantFrom(...CLOSE_CODES), reason }),
)

test('decodes every message that it encodes to the same', async () => {
  fc.assert(
    fc.property(messageArbitrary, (message) => {
      const frame = encodeControl(message)
      assert.equal(frame[0], FRAME_TYPE[message.type])
      assert.equal(frame.readUIntBE(1, 3), frame.length - 4)
      // fast-check makes objects without prototypes, which count as different.
      const expected = JSON.parse(JSON.stringify(message))
      assert.deepEqual(decodeControl(FRAME_TYPE[message.type], frame.subarray(4)), expected)
    }),
    { numRuns: 300 },
  )
})

function assertDecodesOrRefuses(type: number, payload: Uint8Array): void {
  try {
    decodeControl(type, payload)
  } catch (error) {
    assert.ok(error instanceof TunnelError && error.closeCode !== undefined, String(error))
    assert.ok(error.message.length <= 1024)
  }
}

test('throws only TunnelErrors at noise and at any JSON', async () => {
  const type = fc.integer({ min: 0, max: 255 })
  const controlType = fc.integer({ min: 1, max: 7 })
  const anyJson = fc.json().map((text) => Buffer.from(text))
  fc.assert(fc.property(type, fc.uint8Array(), assertDecodesOrRefuses), { numRuns: 200 })
  fc.assert(fc.property(controlType, anyJson, assertDecodesOrRefuses), { numRuns: 300 })
})

test('throws only TunnelErrors at a message with one value replaced', async () => {
  const replaced = fc.tuple(messageArbitrary, fc.nat(), fc.jsonValue()).map(([message, pick, value]) => {
    const keys = Object.keys(message)
    return { type: FRAME_TYPE[message.type], fields: { ...message, [keys[pick % keys.length] ?? '']: value } }
  })
  const check = ({ type, fields }: { type: number; fields: object }) =>
    assertDecodesOrRefuses(type, Buffer.from(JSON.stringify(fields)))
  fc.assert(fc.property(replaced, check), { numRuns: 300 })
})
