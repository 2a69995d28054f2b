import assert from 'node:assert/strict'
import { FRAME_TYPE, FrameDecoder, TunnelError, writeFrameHeader } from '@reversed-vpn/protocol'
import { MAX_DATA_PAYLOAD_BYTES, MIN_DATA_PAYLOAD_BYTES } from '@reversed-vpn/protocol/testing'
import fc from 'fast-check'
import { test } from 'tap'
import { collectFrames, type SeenFrame } from './collect-frames.js'
import { toHex } from './hex.js'

// The same cases every time, or a test would fail for whoever comes by; another seed explores others.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) })

interface SentFrame {
  readonly type: number
  readonly payload: Uint8Array
}

const frameArbitrary: fc.Arbitrary<SentFrame> = fc.oneof(
  fc.record({
    type: fc.constant(FRAME_TYPE.DATA),
    payload: fc.uint8Array({ minLength: MIN_DATA_PAYLOAD_BYTES, maxLength: 300 }),
  }),
  fc.record({ type: fc.integer({ min: 1, max: 7 }), payload: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({
    type: fc.constant(FRAME_TYPE.STREAM_DATA),
    payload: fc.uint8Array({ minLength: 7, maxLength: 300 }),
  }),
  fc.record({
    type: fc.oneof(fc.integer({ min: 8, max: 63 }), fc.integer({ min: 73, max: 255 })),
    payload: fc.uint8Array({ maxLength: 40 }),
  }),
)

/** Lengths of chunks; the last is used again and again until the stream ends. */
const chunkingArbitrary = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 400 })),
  {
    minLength: 1,
    maxLength: 30,
  },
)

function encode(frames: readonly SentFrame[]): Uint8Array {
  const stream = new Uint8Array(frames.reduce((bytes, frame) => bytes + 4 + frame.payload.length, 0))
  let at = 0
  for (const { type, payload } of frames) {
    writeFrameHeader(stream, at, type, payload.length)
    stream.set(payload, at + 4)
    at += 4 + payload.length
  }
  return stream
}

function pushInChunks(
  decoder: FrameDecoder,
  stream: Uint8Array,
  lengths: readonly number[],
  look = () => {},
): void {
  let at = 0
  for (let index = 0; at < stream.length; index++) {
    const length = lengths[Math.min(index, lengths.length - 1)] ?? 1
    decoder.push(stream.slice(at, at + length))
    look()
    at += length
  }
}

function knownOnly(frames: readonly SentFrame[]): SeenFrame[] {
  return frames
    .filter(({ type }) => type <= FRAME_TYPE.CLOSE || type === FRAME_TYPE.STREAM_DATA)
    .map(({ type, payload }) => ({ type, payload: toHex(payload) }))
}

test('decodes what was encoded, however it is chunked', async () => {
  fc.assert(
    fc.property(fc.array(frameArbitrary, { maxLength: 12 }), chunkingArbitrary, (sent, lengths) => {
      const { decoder, frames } = collectFrames()
      pushInChunks(decoder, encode(sent), lengths)
      assert.deepEqual(frames, knownOnly(sent))
      assert.equal(decoder.skippedFrames, sent.length - frames.length)
      assert.equal(decoder.bufferedBytes, 0)
    }),
    { numRuns: 300 },
  )
})

test('shows in the prefix what the copy of the payload begins with', async () => {
  const prefixArbitrary = fc.integer({ min: 0, max: 120 })
  fc.assert(
    fc.property(frameArbitrary, chunkingArbitrary, prefixArbitrary, (sent, lengths, minBytes) => {
      const scratch = new Uint8Array(120)
      const decoder = new FrameDecoder({
        onFrame: (frame) => {
          const bytes = frame.prefix(minBytes, scratch)
          assert.ok(frame.prefixBytes >= Math.min(minBytes, frame.payloadBytes))
          assert.equal(
            toHex(bytes.subarray(frame.prefixOffset, frame.prefixOffset + frame.prefixBytes)),
            toHex(sent.payload.subarray(0, frame.prefixBytes)),
          )
        },
      })
      pushInChunks(decoder, encode([sent]), lengths)
    }),
    { numRuns: 200 },
  )
})

// Mere noise fails at its first header; noise behind headers that are nearly right goes deeper.
const nearlyRightArbitrary = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 0x01_00_20 }), fc.uint8Array()))
  .map((parts) => {
    const stream: number[] = []
    for (const [type, payloadBytes, noise] of parts) {
      stream.push(type, payloadBytes >>> 16, (payloadBytes >>> 8) & 0xff, payloadBytes & 0xff, ...noise)
    }
    return Uint8Array.from(stream)
  })

test('throws only TunnelErrors at noise, holds no more than a frame, and stays failed', async () => {
  const noiseArbitrary = fc.oneof(fc.uint8Array({ maxLength: 500 }), nearlyRightArbitrary)
  fc.assert(
    fc.property(noiseArbitrary, chunkingArbitrary, (noise, lengths) => {
      const { decoder } = collectFrames()
      const look = () => assert.ok(decoder.bufferedBytes < MAX_DATA_PAYLOAD_BYTES)
      let failure: unknown
      try {
        pushInChunks(decoder, noise, lengths, look)
      } catch (error) {
        failure = error
      }
      if (failure === undefined) return
      assert.ok(failure instanceof TunnelError && failure.closeCode !== undefined, String(failure))
      assert.equal(decoder.bufferedBytes, 0)
      assert.throws(() => decoder.push(Uint8Array.of(6, 0, 0, 0)), failure as TunnelError)
    }),
    { numRuns: 500 },
  )
})
