import assert from 'node:assert/strict'
import { encodeControl, FrameDecoder, TunnelError, writeFrameHeader } from '@reversed-vpn/protocol'
import { readChunked, writeChunked } from '../chunked-input.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { tcp4, udp4 } from '../sample-packets.js'

// Limits as SPEC.md has them, not as the decoder does.
const MAX_DATA = 65_545
const MIN_DATA = 30
const MAX_CONTROL = 16_384
const STREAM_LENGTHS: Readonly<Record<number, readonly number[]>> = {
  64: range(14, 268),
  65: [14, 26],
  66: range(7, 207),
  67: range(7, 16_390),
  68: [10],
  69: [6],
  70: [7],
  71: [6],
  72: [12],
}

function range(least: number, most: number): number[] {
  return Array.from({ length: most - least + 1 }, (_, index) => least + index)
}

interface Expected {
  readonly frames: readonly string[]
  readonly skipped: number
  readonly code: string | undefined
  /** Of an unfinished frame at the end, header included until it is whole. */
  readonly heldBytes: number
}

/** What is wrong with a header. */
function codeFor(type: number, bytes: number): string | undefined {
  const lengths = STREAM_LENGTHS[type]
  if (lengths !== undefined) {
    if (lengths.includes(bytes)) return undefined
    if (bytes > Math.max(...lengths)) return 'ERR_FRAME_TOO_LARGE'
    return bytes < Math.min(...lengths) ? 'ERR_FRAME_TOO_SHORT' : 'ERR_STREAM_FRAME_INVALID'
  }
  if (bytes > (type >= 1 && type <= 7 ? MAX_CONTROL : MAX_DATA)) return 'ERR_FRAME_TOO_LARGE'
  return type === 0 && bytes < MIN_DATA ? 'ERR_FRAME_TOO_SHORT' : undefined
}

/** What a stream says, read whole. */
function read(stream: Buffer): Expected {
  const frames: string[] = []
  let skipped = 0
  let at = 0
  while (stream.length - at >= 4) {
    const type = stream.readUInt8(at)
    const bytes = stream.readUIntBE(at + 1, 3)
    const isKnown = type <= 7 || type in STREAM_LENGTHS
    const code = codeFor(type, bytes)
    if (code !== undefined) return { frames, skipped, code, heldBytes: 0 }
    if (!isKnown) skipped++
    at += 4
    if (stream.length - at < bytes) {
      return { frames, skipped, code: undefined, heldBytes: isKnown ? stream.length - at : 0 }
    }
    if (isKnown) frames.push(`${type} ${stream.toString('hex', at, at + bytes)}`)
    at += bytes
  }
  return { frames, skipped, code: undefined, heldBytes: stream.length - at }
}

function fuzz(input: Buffer): void {
  // Inputs are short, frames are not: zeros behind the stream, 2 KiB for each count of the first byte's upper half.
  const filler = Buffer.alloc(((input[0] ?? 0) >> 4) * 8192)
  const { chunks, stream } = readChunked(input)
  const frames: string[] = []
  const decoder = new FrameDecoder({
    onFrame: (frame) => frames.push(`${frame.type} ${frame.copyPayload().toString('hex')}`),
  })
  let failure: unknown
  for (const chunk of [...chunks, filler]) {
    try {
      decoder.push(chunk)
      assert.equal(failure, undefined, 'a decoder that failed takes nothing more')
    } catch (error) {
      failure ??= error
      assert.equal(error, failure, 'and says the same for ever')
    }
    assert.ok(decoder.bufferedBytes < MAX_DATA, `${decoder.bufferedBytes} B held`)
  }
  const expected = read(Buffer.concat([stream, filler]))
  assert.deepEqual(frames, expected.frames)
  assert.equal(decoder.skippedFrames, expected.skipped)
  assert.equal(decoder.bufferedBytes, expected.heldBytes)
  if (failure === undefined) assert.equal(expected.code, undefined)
  else {
    assert.ok(failure instanceof TunnelError)
    assert.equal(failure.code, expected.code)
    assert.ok(failure.closeCode !== undefined)
  }
}

function frame(type: number, payload: Uint8Array, claimedBytes = payload.length): Buffer {
  const header = Buffer.alloc(4)
  writeFrameHeader(header, 0, type, claimedBytes)
  return Buffer.concat([header, payload])
}

function seeds(): Record<string, Uint8Array> {
  const ping = encodeControl({ type: 'PING', id: 7 })
  const close = encodeControl({ type: 'CLOSE', code: 'going-away', reason: 'bye' })
  const data = frame(0, Buffer.concat([Buffer.alloc(10), tcp4({ payloadBytes: 40 })]))
  const withFiller = (eighths: number, bytes: Buffer) => {
    bytes.writeUInt8(bytes.readUInt8(0) | (eighths << 4), 0)
    return bytes
  }
  return {
    'several-frames-whole': writeChunked(Buffer.concat([data, ping, data, close])),
    'several-frames-byte-by-byte': writeChunked(Buffer.concat([ping, data, close]), [1]),
    'headers-split': writeChunked(Buffer.concat([data, data, ping]), [2, 75, 3]),
    'unknown-type-skipped': writeChunked(Buffer.concat([frame(200, Buffer.alloc(20, 1)), ping]), [5]),
    'empty-control': writeChunked(
      Buffer.concat([frame(4, Buffer.alloc(0)), frame(127, Buffer.alloc(0)), ping]),
    ),
    'data-of-streams': writeChunked(
      Buffer.concat([frame(67, Buffer.alloc(7, 1)), frame(69, Buffer.alloc(6, 2)), ping]),
      [3, 9],
    ),
    'opened-too-long-for-ipv4': writeChunked(frame(65, Buffer.alloc(15))),
    'longest-data': withFiller(9, writeChunked(frame(0, Buffer.alloc(10), 65_545), [1, 200])),
    'longest-control': withFiller(3, writeChunked(frame(1, Buffer.from('{'), 16_384), [3])),
    'too-long-data': withFiller(1, writeChunked(frame(0, Buffer.alloc(10), 65_546))),
    'too-long-control': writeChunked(frame(2, Buffer.alloc(10), 16_385)),
    'too-short-data': writeChunked(frame(0, Buffer.alloc(29)), [4]),
    'unfinished-datagram': writeChunked(frame(0, Buffer.concat([Buffer.alloc(10), udp4()]), 100), [9, 1]),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
