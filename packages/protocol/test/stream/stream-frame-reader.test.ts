import {
  FRAME_TYPE,
  FrameDecoder,
  type FrameView,
  MAX_STREAM_ID,
  StreamFrameReader,
  writeOpen,
  writeRefused,
} from '@reversed-vpn/protocol'
import { test } from 'tap'
import { hex } from '../hex.js'
import { STREAM_SAMPLES } from './stream-samples.js'

/** What `look` makes of the one frame of `bytes`, whole and byte by byte. */
function readBothWays<Seen>(
  bytes: Uint8Array,
  look: (reader: StreamFrameReader, view: FrameView) => Seen,
): Seen[] {
  return [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))].map((chunks) => {
    const seen: Seen[] = []
    const reader = new StreamFrameReader()
    const onFrame = (view: FrameView) => {
      reader.read(view)
      seen.push(look(reader, view))
    }
    const decoder = new FrameDecoder({ onFrame })
    for (const chunk of chunks) decoder.push(chunk)
    return seen[0] as Seen
  })
}

const READ = [
  { id: 1, value: 262_144, open: { host: '10.96.0.1', port: 443, isName: false } },
  { id: 2, value: 262_144, open: { host: 'node-1', port: 10_250, isName: true } },
  { id: 1, value: 65_536, address: '10.96.0.1' },
  { id: 3, value: 16_384, address: '2001:db8::1' },
  { id: 2, value: 6, refusal: { reason: 'no-address', detail: 'none' } },
  { id: 1, value: 0 },
  { id: 1, value: 65_536 },
  { id: 1, value: 0 },
  { id: 1, value: 2, resetReason: 'connection-broke' },
  { id: 0, value: 2 },
  { id: 258, value: 66_051 },
]

for (const [index, { type, encode }] of STREAM_SAMPLES.entries()) {
  test(`reads a frame of type ${type} (${index + 1}) as it was written, however it is cut`, async (t) => {
    const seen = readBothWays(encode(), (reader, view) => ({
      type: view.type,
      id: reader.id,
      value: reader.value,
      ...(view.type === FRAME_TYPE.OPEN ? { open: reader.readOpen(view) } : {}),
      ...(view.type === FRAME_TYPE.OPENED ? { address: reader.readOpened(view) } : {}),
      ...(view.type === FRAME_TYPE.REFUSED ? { refusal: reader.readRefused(view) } : {}),
      ...(view.type === FRAME_TYPE.RESET ? { resetReason: reader.resetReason } : {}),
    }))
    t.strictSame(seen, [
      { type, ...READ[index] },
      { type, ...READ[index] },
    ])
  })
}

test('takes the largest id, count and window there are', async (t) => {
  const read = (text: string) => readBothWays(hex(text), ({ id, value }) => [id, value])[0]
  t.strictSame(read('48 00000c ffffffffffff ffffffffffff'), [MAX_STREAM_ID, MAX_STREAM_ID])
  t.strictSame(read('47 000006 ffffffffffff'), [0, MAX_STREAM_ID])
  t.strictSame(read('44 00000a 800000000000 01000000'), [2 ** 47, 16_777_216])
})

const OPEN = '40 00000f 000000000001 00040000'
const REFUSED_VALUES: readonly (readonly [what: string, frame: string, message: string])[] = [
  ['stream 0', '45 000006 000000000000', 'frame of type 69 for 0'],
  ['lane 0', '48 00000c 000000000000 000000000001', 'frame of type 72 for 0'],
  ['no credit', '44 00000a 000000000001 00000000', 'window or credit of 0 B is not 1 to 16777216 B'],
  [
    'too much credit',
    '44 00000a 000000000001 01000001',
    'window or credit of 16777217 B is not 1 to 16777216 B',
  ],
  ['no window', '41 00000e 000000000001 00000000 0a600001', 'window or credit of 0 B is not 1 to 16777216 B'],
  ['a reset for no reason', '46 000007 000000000001 00', 'reason 0 is not 1 to 9'],
  ['a reset for an unknown reason', '46 000007 000000000001 0a', 'reason 10 is not 1 to 9'],
  ['a refusal for an unknown reason', '42 000007 000000000001 0e', 'reason 14 is not 1 to 13'],
  ['an unknown flag', `${OPEN} 02 01bb 6161`, 'OPEN with flags 2'],
  ['port 0', `${OPEN} 01 0000 6161`, 'OPEN for port 0'],
  ['a space in the host', `${OPEN} 01 01bb 6120`, 'OPEN for a host that is not printable ASCII'],
  ['a host beyond ASCII', `${OPEN} 01 01bb 61e4`, 'OPEN for a host that is not printable ASCII'],
  ['a name as address', `${OPEN} 00 01bb 6161`, 'OPEN for a host that is no canonical address'],
  [
    'an address written oddly',
    '40 000010 000000000001 00040000 00 01bb 3a3a30',
    'OPEN for a host that is no canonical address',
  ],
  ['a detail that is no UTF-8', '42 000009 000000000001 02 c328', 'REFUSED with a detail that is not UTF-8'],
]
for (const [what, frame, message] of REFUSED_VALUES) {
  test(`refuses ${what}`, async (t) => {
    const read = () =>
      readBothWays(hex(frame), (reader, view) => {
        if (view.type === FRAME_TYPE.OPEN) reader.readOpen(view)
        if (view.type === FRAME_TYPE.REFUSED) reader.readRefused(view)
      })
    t.throws(read, {
      name: 'TunnelError',
      code: 'ERR_STREAM_FRAME_INVALID',
      closeCode: 'protocol-error',
      message,
    })
  })
}

test('writes the longest host, and cuts a detail between characters', async (t) => {
  const target = new Uint8Array(300)
  const host = 'h'.repeat(255)
  const openBytes = writeOpen(target, 0, 7, 1, { host, port: 65_535, isName: true })
  t.equal(openBytes, 272)
  const [open] = readBothWays(target.slice(0, openBytes), (reader, view) => reader.readOpen(view))
  t.strictSame(open, { host, port: 65_535, isName: true })
  const refusedBytes = writeRefused(target, 0, 7, 'internal', `${'x'.repeat(199)}\u00fcber`)
  const [refused] = readBothWays(target.slice(0, refusedBytes), (reader, view) => reader.readRefused(view))
  t.strictSame(refused, { reason: 'internal', detail: 'x'.repeat(199) })
})
