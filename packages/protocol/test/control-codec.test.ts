import { type ControlMessage, decodeControl, encodeControl, FRAME_TYPE } from '@reversed-vpn/protocol'
import { type ControlName, MAX_CONTROL_PAYLOAD_BYTES } from '@reversed-vpn/protocol/testing'
import { test } from 'tap'
import { collectFrames } from './collect-frames.js'
import { GOOD_FIELDS, JOINING_HELLO, WELCOME } from './control-samples.js'
import { hex, toHex } from './hex.js'

const NAMES = Object.keys(GOOD_FIELDS) as ControlName[]

function json(value: unknown): Uint8Array {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

test('encodes a PING and a GOAWAY byte for byte', async (t) => {
  t.equal(toHex(encodeControl({ type: 'PING', id: 7 })), '04000008 7b226964223a377d'.replace(' ', ''))
  t.equal(
    toHex(encodeControl({ type: 'GOAWAY', reason: 'superseded' })),
    '060000177b22726561736f6e223a2273757065727365646564227d',
  )
})

test('decodes a PING written by hand, white space and unknown keys included', async (t) => {
  t.strictSame(decodeControl(4, hex('7b20226964223a37202c202274223a2278227d')), { type: 'PING', id: 7 })
})

for (const name of NAMES) {
  test(`brings ${name} through the decoder as it was`, async (t) => {
    const message = { type: name, ...GOOD_FIELDS[name] } as ControlMessage
    const { decoder, frames } = collectFrames()
    decoder.push(encodeControl(message))
    t.equal(frames.length, 1)
    t.equal(frames[0]?.type, FRAME_TYPE[name])
    t.strictSame(decodeControl(FRAME_TYPE[name], hex(frames[0]?.payload ?? '')), message)
  })
}

for (const [what, payload, message] of [
  ['nothing', '', 'PING is not JSON in UTF-8'],
  ['a number', '7', 'PING is not a JSON object'],
  ['null', 'null', 'PING is not a JSON object'],
  ['a string', '"{}"', 'PING is not a JSON object'],
  ['an array', '[{"id":1}]', 'PING is not a JSON object'],
  ['two objects', '{"id":1}{"id":2}', 'PING is not JSON in UTF-8'],
  ['a byte order mark', '\ufeff{"id":1}', 'PING is not JSON in UTF-8'],
  ['16 KiB of open brackets', '['.repeat(16_384), 'PING is not JSON in UTF-8'],
  ['brackets 8192 deep', '['.repeat(8192) + ']'.repeat(8192), 'PING is not a JSON object'],
] as const) {
  test(`refuses ${what} in place of an object`, async (t) => {
    t.throws(() => decodeControl(FRAME_TYPE.PING, json(payload)), {
      name: 'TunnelError',
      code: 'ERR_CONTROL_INVALID',
      closeCode: 'bad-control',
      message,
    })
  })
}

test('refuses bytes that are not UTF-8, also inside an ignored key', async (t) => {
  for (const bytes of [
    '7b226964223a31 ff 7d',
    '7b226964223a312c2278223a22 c080 227d',
    '7b226964223a312c2278223a22 eda080 227d',
  ]) {
    const expected = { code: 'ERR_CONTROL_INVALID', message: 'PING is not JSON in UTF-8' }
    t.throws(() => decodeControl(FRAME_TYPE.PING, hex(bytes)), expected)
  }
})

test('ignores an unknown key however deep its value goes', async (t) => {
  const depth = 8000
  const payload = `{"id":1,"later":${'['.repeat(depth)}${']'.repeat(depth)}}`
  t.strictSame(decodeControl(FRAME_TYPE.PING, json(payload)), { type: 'PING', id: 1 })
})

test('takes no values from prototypes and puts none there', async (t) => {
  const polluting = '{"id":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
  const message = decodeControl(FRAME_TYPE.PING, json(polluting))
  t.strictSame(Object.keys(message), ['type', 'id'])
  t.equal(Object.getPrototypeOf(message), Object.prototype)
  t.notOk('polluted' in {})
  for (const payload of ['{"__proto__":{"id":1}}', '{"constructor":{"id":1}}']) {
    t.throws(() => decodeControl(FRAME_TYPE.PING, json(payload)), { code: 'ERR_CONTROL_INVALID' })
  }
  const nested = JSON.stringify(GOOD_FIELDS.WELCOME).replace(
    '"networks":{',
    '"networks":{"__proto__":{"x":[]},',
  )
  t.strictSame(decodeControl(FRAME_TYPE.WELCOME, json(nested)), WELCOME)
})

test('cannot be told another type by the JSON', async (t) => {
  t.strictSame(decodeControl(FRAME_TYPE.PING, json('{"type":"CLOSE","id":1}')), { type: 'PING', id: 1 })
})

test('refuses a payload above the limit and takes one at it', async (t) => {
  const padded = (bytes: number) => json(`{"id":1}${' '.repeat(bytes - 8)}`)
  t.strictSame(decodeControl(FRAME_TYPE.PING, padded(MAX_CONTROL_PAYLOAD_BYTES)), { type: 'PING', id: 1 })
  t.throws(() => decodeControl(FRAME_TYPE.PING, padded(MAX_CONTROL_PAYLOAD_BYTES + 1)), {
    code: 'ERR_FRAME_TOO_LARGE',
    closeCode: 'frame-too-large',
    message: 'PING of 16385 B exceeds 16384 B',
  })
})

test('refuses DATA and unknown types, which are no control frames', async (t) => {
  for (const type of [0, 8, 64, 255]) {
    t.throws(() => decodeControl(type, json('{}')), {
      code: 'ERR_FRAME_UNEXPECTED',
      closeCode: 'unexpected-frame',
    })
  }
})

test('tells another version apart from a bad message, whatever else is in it', async (t) => {
  for (const name of ['HELLO', 'WELCOME'] as const) {
    t.throws(() => decodeControl(FRAME_TYPE[name], json('{"version":2,"new":true}')), {
      code: 'ERR_VERSION_UNSUPPORTED',
      closeCode: 'protocol-error',
      message: `${name} of version 2, not 1`,
    })
    t.throws(() => decodeControl(FRAME_TYPE[name], json('{"version":"2"}')), { code: 'ERR_CONTROL_INVALID' })
  }
})

test('names the field in its message but shows no secret', async (t) => {
  const token = `${'ab'.repeat(31)}XY`
  const hello = { ...GOOD_FIELDS.HELLO, session: 'a'.repeat(32), token, lane: 1 }
  const failures: unknown[] = []
  for (const payload of [JSON.stringify(hello), JSON.stringify(hello).replace('XY"', 'XY')]) {
    try {
      decodeControl(FRAME_TYPE.HELLO, json(payload))
    } catch (error) {
      failures.push(error)
    }
  }
  t.match(failures[0], { code: 'ERR_CONTROL_INVALID', message: /^HELLO\.token: / })
  t.match(failures[1], { code: 'ERR_CONTROL_INVALID' })
  for (const failure of failures) {
    const { message, stack, cause } = failure as Error
    t.notMatch(`${message} ${stack} ${JSON.stringify(cause)} ${String(cause)}`, /abab/)
  }
})

test('does not send what no peer would take', async (t) => {
  for (const message of [
    { type: 'PING', id: -1 },
    { ...JOINING_HELLO, lane: 256 },
    { ...WELCOME, lane: 16 },
  ] as const) {
    t.throws(
      () => encodeControl(message),
      { code: 'ERR_CONTROL_INVALID', closeCode: undefined },
      message.type,
    )
  }
})

test('does not send a message above the limit', async (t) => {
  const networks = Array.from({ length: 256 }, () => '2001:db8:1111:2222:3333:4444:5555:6666/128')
  const message = { ...WELCOME, networks: { pod: networks, service: networks, node: [] } }
  t.throws(() => encodeControl(message), {
    code: 'ERR_FRAME_TOO_LARGE',
    message: /^WELCOME of \d{5} B exceeds 16384 B$/,
  })
})

test('cuts a reason that is too long, so that the CLOSE still leaves', async (t) => {
  for (const message of [
    { type: 'CLOSE', code: 'internal', reason: 'x'.repeat(5000) },
    { type: 'REJECT', code: 'internal', reason: '\u0000'.repeat(5000) },
  ] as const) {
    const payload = encodeControl(message).subarray(4)
    const decoded = decodeControl(FRAME_TYPE[message.type], payload)
    t.strictSame(decoded, { ...message, reason: message.reason.slice(0, 1024) })
  }
})

test('shares nothing with the payload it read', async (t) => {
  const payload = json(GOOD_FIELDS.CLOSE)
  const message = decodeControl(FRAME_TYPE.CLOSE, payload)
  payload.fill(0)
  t.strictSame(message, { type: 'CLOSE', ...GOOD_FIELDS.CLOSE })
})
