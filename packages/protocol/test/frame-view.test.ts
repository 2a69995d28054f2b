import { FrameDecoder, type FrameView, writeFrameHeader } from '@reversed-vpn/protocol'
import { MAX_FRAME_PIECES } from '@reversed-vpn/protocol/testing'
import { test } from 'tap'
import { hex, toHex } from './hex.js'

function dataFrame(payloadBytes: number): Uint8Array {
  const frame = new Uint8Array(4 + payloadBytes)
  writeFrameHeader(frame, 0, 0, payloadBytes)
  for (let at = 0; at < payloadBytes; at++) frame[4 + at] = at % 251
  return frame
}

/** Pushes `frame` in chunks of the given lengths and lets `look` see the view. */
function decodeInChunks(
  frame: Uint8Array,
  lengths: readonly number[],
  look: (view: FrameView) => void,
): Uint8Array[] {
  const decoder = new FrameDecoder({ onFrame: look })
  const chunks: Uint8Array[] = []
  let at = 0
  for (const length of lengths) {
    const chunk = frame.slice(at, at + length)
    chunks.push(chunk)
    decoder.push(chunk)
    at += length
  }
  return chunks
}

test('shows a payload where it lies, without copying', async (t) => {
  let looks = 0
  const pieces: [chunk: Uint8Array, offset: number, length: number][] = []
  const chunks = decodeInChunks(dataFrame(40), [9, 20, 15], (view) => {
    looks++
    t.equal(view.type, 0)
    t.equal(view.payloadBytes, 40)
    for (let i = 0; i < view.pieceCount; i++) pieces.push([view.chunk(i), view.offset(i), view.length(i)])
  })
  t.equal(looks, 1)
  t.strictSame(
    pieces.map(([, offset, length]) => [offset, length]),
    [
      [4, 5],
      [0, 20],
      [0, 15],
    ],
  )
  for (const [index, [chunk]] of pieces.entries()) t.equal(chunk, chunks[index], 'the chunk itself')
})

test('gives the first piece as prefix when it is long enough, and what else it has', async (t) => {
  const scratch = new Uint8Array(32)
  const chunks = decodeInChunks(dataFrame(60), [44, 20], (view) => {
    const prefix = view.prefix(30, scratch)
    t.equal(prefix, view.chunk(0))
    t.equal(view.prefixOffset, 4)
    t.equal(view.prefixBytes, 40)
  })
  t.equal(chunks.length, 2)
  t.equal(toHex(scratch), toHex(new Uint8Array(32)), 'the scratch was not touched')
})

test('copies the prefix into the scratch when it spans pieces', async (t) => {
  const scratch = new Uint8Array(32).fill(0xee)
  decodeInChunks(dataFrame(60), [9, 2, 40, 13], (view) => {
    t.equal(view.prefix(30, scratch), scratch)
    t.equal(view.prefixOffset, 0)
    t.equal(view.prefixBytes, 30)
  })
  t.equal(toHex(scratch), `${toHex(dataFrame(60).subarray(4, 34))}eeee`)
})

test('gives the whole payload as prefix when it is shorter than asked for', async (t) => {
  const scratch = new Uint8Array(64)
  decodeInChunks(dataFrame(30), [34], (view) => {
    t.equal(view.prefix(100, scratch), view.chunk(0))
    t.equal(view.prefixBytes, 30)
  })
  decodeInChunks(dataFrame(30), [20, 14], (view) => {
    t.equal(view.prefix(100, scratch), scratch)
    t.equal(view.prefixBytes, 30)
  })
  t.equal(toHex(scratch.subarray(0, 30)), toHex(dataFrame(30).subarray(4)))
})

test('throws a RangeError for a scratch that is too short', async (t) => {
  const decode = () => decodeInChunks(dataFrame(30), [20, 14], (view) => view.prefix(30, new Uint8Array(29)))
  t.throws(decode, new RangeError('scratch of 29 B is shorter than the prefix of 30 B'))
})

test('has no piece outside its count', async (t) => {
  let seen: FrameView | undefined
  decodeInChunks(dataFrame(30), [20, 14], (view) => {
    seen = view
    for (const index of [-1, 2, 64, 0.5 + 2, Number.NaN]) {
      t.throws(() => view.chunk(index), RangeError)
      t.throws(() => view.offset(index), RangeError)
      t.throws(() => view.length(index), RangeError)
    }
  })
  t.equal(seen?.pieceCount, 0, 'and none at all after onFrame')
  t.throws(() => seen?.chunk(0), RangeError)
})

test('is empty for an empty payload', async (t) => {
  let looks = 0
  const scratch = new Uint8Array(4)
  const look = (view: FrameView) => {
    looks++
    t.equal(view.pieceCount, 0)
    t.equal(view.prefix(4, scratch), scratch)
    t.equal(view.prefixBytes, 0)
    t.equal(view.copyPayload().length, 0)
  }
  decodeInChunks(hex('06000000'), [4], look)
  t.equal(looks, 1)
})

test('copies a payload for its caller to keep', async (t) => {
  let copy: Uint8Array = hex('')
  const frame = dataFrame(5000)
  const chunks = decodeInChunks(frame, [104, 1900, 3000], (view) => {
    copy = view.copyPayload()
  })
  for (const chunk of chunks) chunk.fill(0)
  t.equal(toHex(copy), toHex(frame.subarray(4)))
})

test('joins a frame that comes in more pieces than a view has', async (t) => {
  const frame = dataFrame(300)
  for (const singles of [MAX_FRAME_PIECES - 1, MAX_FRAME_PIECES, MAX_FRAME_PIECES + 1, 300]) {
    const rest = 300 - singles
    const lengths = [4, ...new Array<number>(singles).fill(1), ...(rest > 0 ? [rest] : [])]
    let looks = 0
    decodeInChunks(frame, lengths, (view) => {
      looks++
      const isJoined = lengths.length - 1 > MAX_FRAME_PIECES
      t.equal(view.pieceCount, isJoined ? 1 : lengths.length - 1, `${singles} pieces of one byte`)
      t.equal(toHex(view.copyPayload()), toHex(frame.subarray(4)))
    })
    t.equal(looks, 1)
  }
})

test('starts afresh after a joined frame, and leaves the joined bytes to who kept them', async (t) => {
  const kept: Uint8Array[] = []
  const decoder = new FrameDecoder({ onFrame: (view) => kept.push(view.chunk(0)) })
  const frame = dataFrame(100)
  for (let round = 0; round < 2; round++) for (const byte of frame) decoder.push(Uint8Array.of(byte))
  decoder.push(frame)
  t.equal(kept.length, 3)
  t.not(kept[0], kept[1])
  t.equal(toHex(kept[0] ?? hex('')), toHex(frame.subarray(4)))
  t.equal(kept[2], frame)
})
