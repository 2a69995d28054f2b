import { readFile } from 'node:fs/promises'
import { CidrSet, FORBIDDEN_DESTINATIONS } from '@reversed-vpn/ip'
import {
  ALPN_PROTOCOL,
  decodeControl,
  encodeControl,
  FRAME_TYPE,
  OFFLOAD_KINDS,
  PacketChecker,
  REJECT_CODES,
} from '@reversed-vpn/protocol'
import { CLOSE_CODES, GOAWAY_REASONS, REFUSED_REASONS, RESET_REASONS } from '@reversed-vpn/protocol/testing'
import { test } from 'tap'
import { collectFrames } from './collect-frames.js'
import { hex, toHex } from './hex.js'
import { STREAM_SAMPLES } from './stream/stream-samples.js'

const spec = await readFile(new URL('../SPEC.md', import.meta.url), 'utf8')

/** The bytes of each example, and what it stands for where that is a control message. */
const EXAMPLES = [...spec.matchAll(/```hex\n(.*?)```(?:\n```json\n(.*?)```)?/gs)].map(
  ([, bytes = '', json]) => ({
    bytes: hex(bytes.replace(/#.*$/gm, '')),
    message: json === undefined ? undefined : JSON.parse(json),
  }),
)

test('has an example of each kind, and each is one whole frame', async (t) => {
  t.equal(EXAMPLES.length, 19)
  for (const { bytes } of EXAMPLES) {
    const { decoder, frames } = collectFrames()
    decoder.push(bytes)
    t.equal(frames.length + decoder.skippedFrames, 1, toHex(bytes))
    t.equal(decoder.bufferedBytes, 0)
  }
})

test('has examples of control messages that are encoded and decoded just so', async (t) => {
  const controls = EXAMPLES.filter(({ message }) => message !== undefined)
  t.equal(controls.length, 6)
  for (const { bytes, message } of controls) {
    t.strictSame(decodeControl(bytes[0] ?? -1, bytes.subarray(4)), message)
    t.equal(toHex(encodeControl(message)), toHex(bytes))
  }
})

test('has an example of DATA that passes the check unchanged', async (t) => {
  const data = EXAMPLES.find(({ bytes }) => bytes[0] === FRAME_TYPE.DATA)?.bytes.subarray(4) ?? hex('')
  const checker = new PacketChecker({
    sources: CidrSet.of(['192.168.123.1/32']),
    destinations: CidrSet.of(['100.96.0.0/11']),
    refused: CidrSet.of(FORBIDDEN_DESTINATIONS),
    accepts: [],
    mtu: 1500,
  })
  const checked = data.slice()
  t.equal(checker.check(checked, 0, data.length, data.length), 0)
  t.equal(toHex(checked), toHex(data))
})

test('has examples of frames of streams that are encoded just so', async (t) => {
  const streams = EXAMPLES.filter(
    ({ bytes: [type = 0] }) => type >= FRAME_TYPE.OPEN && type <= FRAME_TYPE.RESUME,
  )
  t.strictSame(
    streams.map(({ bytes }) => toHex(bytes)),
    STREAM_SAMPLES.map(({ encode }) => toHex(encode())),
  )
})

test('gives every reason of REFUSED and RESET the code that is sent', async (t) => {
  for (const [table, reasons] of [
    ['REFUSED', REFUSED_REASONS],
    ['RESET', RESET_REASONS],
  ] as const) {
    const [, rows = ''] = new RegExp(`^\\| code \\| of ${table} .*\n.*\n((?:\\|.*\n)+)`, 'm').exec(spec) ?? []
    const listed = [...rows.matchAll(/^\| (\d+) +\| `([\w-]+)`/gm)].map(([, code, reason]) => [
      Number(code),
      reason,
    ])
    t.strictSame(
      listed,
      reasons.map((reason, index) => [index + 1, reason]),
      table,
    )
  }
})

test('names every frame type with its number, every code, reason and kind of offload', async (t) => {
  for (const [name, type] of Object.entries(FRAME_TYPE)) {
    t.match(spec, new RegExp(`^\\| ${type} +\\| ${name} +\\|`, 'm'), name)
  }
  for (const code of [...REJECT_CODES, ...CLOSE_CODES, ...GOAWAY_REASONS, ...OFFLOAD_KINDS]) {
    t.match(spec, new RegExp(`^\\|.*\`${code}\`.*\\|`, 'm'), code)
  }
  t.match(spec, `ALPN (RFC 7301) \`${ALPN_PROTOCOL}\``)
})

test('names every destination that is refused always', async (t) => {
  for (const cidr of FORBIDDEN_DESTINATIONS) {
    const isNamed = spec.includes(cidr) || spec.includes(cidr.replace(/\/(32|128)$/, ''))
    t.ok(isNamed, cidr)
  }
})
