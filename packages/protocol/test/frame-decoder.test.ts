import { FrameDecoder } from '@reversed-vpn/protocol'
import { MAX_DATA_PAYLOAD_BYTES } from '@reversed-vpn/protocol/testing'
import { test } from 'tap'
import { collectFrames } from './collect-frames.js'
import { hex } from './hex.js'

const VNET_AND_IPV4 = '00000000000000000000 4500001400004000400100000a0000010a000002'.replace(' ', '')
const STREAM = hex(`
  01 000002 7b7d
  00 00001e ${VNET_AND_IPV4}
  50 000003 aabbcc
  04 00000a 7b226964223a20377d20
  06 000000
  00 00001f ${VNET_AND_IPV4}ff
  07 000002 7b7d`)
const FRAMES = [
  { type: 1, payload: '7b7d' },
  { type: 0, payload: VNET_AND_IPV4 },
  { type: 4, payload: '7b226964223a20377d20' },
  { type: 6, payload: '' },
  { type: 0, payload: `${VNET_AND_IPV4}ff` },
  { type: 7, payload: '7b7d' },
]

test('cuts frames out of one chunk and skips a type it does not know', async (t) => {
  const { decoder, frames } = collectFrames()
  decoder.push(STREAM)
  t.strictSame(frames, FRAMES)
  t.equal(decoder.skippedFrames, 1)
  t.equal(decoder.bufferedBytes, 0)
})

test('gives the same frames when the stream is split at any byte', async (t) => {
  for (let split = 0; split <= STREAM.length; split++) {
    const { decoder, frames } = collectFrames()
    decoder.push(STREAM.subarray(0, split))
    decoder.push(STREAM.subarray(split))
    t.strictSame(frames, FRAMES, `split at ${split}`)
  }
})

test('gives the same frames when every byte comes alone, with empty chunks between', async (t) => {
  const { decoder, frames } = collectFrames()
  for (const byte of STREAM) {
    decoder.push(Uint8Array.of(byte))
    decoder.push(new Uint8Array(0))
  }
  t.strictSame(frames, FRAMES)
})

test('hands a frame over with its last byte, not later', async (t) => {
  const { decoder, frames } = collectFrames()
  decoder.push(hex('05 000002 7b'))
  t.equal(frames.length, 0)
  decoder.push(hex('7d'))
  t.equal(frames.length, 1)
  decoder.push(hex('06 0000'))
  decoder.push(hex('00'))
  t.equal(frames.length, 2, 'an empty payload is whole with its header')
})

test('counts what it holds of an unfinished frame', async (t) => {
  const { decoder } = collectFrames()
  const held = []
  for (const chunk of [
    '00',
    '0000',
    '1e',
    '00',
    '0000000000',
    VNET_AND_IPV4.slice(12),
    '50 000002',
    'ff',
    'ff',
  ]) {
    decoder.push(hex(chunk))
    held.push(decoder.bufferedBytes)
  }
  t.strictSame(held, [1, 3, 0, 1, 6, 0, 0, 0, 0])
})

const ILLEGAL_HEADERS: [header: string, code: string, closeCode: string, message: string][] = [
  ['0001000a', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 0 with 65546 B exceeds 65545 B'],
  ['00ffffff', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 0 with 16777215 B exceeds 65545 B'],
  ['0000001d', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'DATA frame of 29 B is below 30 B'],
  ['00000000', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'DATA frame of 0 B is below 30 B'],
  ['01004001', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 1 with 16385 B exceeds 16384 B'],
  ['07004001', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 7 with 16385 B exceeds 16384 B'],
  ['0801000a', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 8 with 65546 B exceeds 65545 B'],
  ['ff01000a', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 255 with 65546 B exceeds 65545 B'],
  ['4000000d', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 64 with 13 B is below 14 B'],
  ['4000010d', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 64 with 269 B exceeds 268 B'],
  ['4100000d', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 65 with 13 B is below 14 B'],
  ['4100000f', 'ERR_STREAM_FRAME_INVALID', 'protocol-error', 'OPENED of 15 B, not 14 B or 26 B'],
  ['41000019', 'ERR_STREAM_FRAME_INVALID', 'protocol-error', 'OPENED of 25 B, not 14 B or 26 B'],
  ['4100001b', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 65 with 27 B exceeds 26 B'],
  ['42000006', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 66 with 6 B is below 7 B'],
  ['420000d0', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 66 with 208 B exceeds 207 B'],
  ['43000006', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 67 with 6 B is below 7 B'],
  ['43004007', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 67 with 16391 B exceeds 16390 B'],
  ['44000009', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 68 with 9 B is below 10 B'],
  ['45000007', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 69 with 7 B exceeds 6 B'],
  ['46000006', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 70 with 6 B is below 7 B'],
  ['47000007', 'ERR_FRAME_TOO_LARGE', 'frame-too-large', 'frame of type 71 with 7 B exceeds 6 B'],
  ['4800000b', 'ERR_FRAME_TOO_SHORT', 'protocol-error', 'frame of type 72 with 11 B is below 12 B'],
]
for (const [header, code, closeCode, message] of ILLEGAL_HEADERS) {
  test(`refuses the header ${header} before any payload comes`, async (t) => {
    const whole = collectFrames().decoder
    t.throws(() => whole.push(hex(header)), { name: 'TunnelError', code, closeCode, message })
    const split = collectFrames().decoder
    split.push(hex(header.slice(0, 6)))
    t.throws(() => split.push(hex(header.slice(6))), { code, closeCode, message })
  })
}

test('takes the longest and the shortest frame of each kind', async (t) => {
  for (const [header, payloadBytes] of [
    ['00010009', 65_545],
    ['0000001e', 30],
    ['01004000', 16_384],
    ['07000000', 0],
  ] as const) {
    const { decoder, frames } = collectFrames()
    decoder.push(hex(header))
    decoder.push(new Uint8Array(payloadBytes))
    t.equal(frames[0]?.payload.length, payloadBytes * 2, header)
  }
})

test('skips the longest frame of an unknown type without holding it', async (t) => {
  const { decoder, frames } = collectFrames()
  decoder.push(hex('7f010009'))
  decoder.push(new Uint8Array(MAX_DATA_PAYLOAD_BYTES - 1))
  t.equal(decoder.bufferedBytes, 0)
  decoder.push(hex('00 06 000000'))
  t.strictSame(frames, [{ type: 6, payload: '' }])
  decoder.push(hex('80 000000 06 000000'))
  t.equal(frames.length, 2, 'an unknown type without payload is skipped too')
  t.equal(decoder.skippedFrames, 2)
})

test('hands over the frames before an illegal header, then fails for ever with the same error', async (t) => {
  const { decoder, frames } = collectFrames()
  let failure: unknown
  try {
    decoder.push(hex('06 000000 00 ffffff 06 000000'))
  } catch (error) {
    failure = error
  }
  t.match(failure, { code: 'ERR_FRAME_TOO_LARGE' })
  t.strictSame(frames, [{ type: 6, payload: '' }])
  t.throws(() => decoder.push(hex('06 000000')), failure as Error)
  t.throws(() => decoder.push(new Uint8Array(0)), failure as Error)
  t.equal(frames.length, 1)
  t.equal(decoder.bufferedBytes, 0)
})

test('fails for ever when its handler throws', async (t) => {
  const failure = new Error('no more')
  let calls = 0
  const decoder = new FrameDecoder({
    onFrame: () => {
      calls++
      throw failure
    },
  })
  t.throws(() => decoder.push(hex('06 000000 06 000000')), failure)
  t.throws(() => decoder.push(hex('06 000000')), failure)
  t.equal(calls, 1)
})
