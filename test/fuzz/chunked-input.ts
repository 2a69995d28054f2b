/** How an input that is a stream was cut: at most 15 lengths, in its first bytes, used in turn. */
interface ChunkedInput {
  readonly stream: Buffer
  readonly chunks: readonly Buffer[]
}

const MAX_LENGTHS = 15

/** The first byte tells how many bytes follow it that are chunk lengths less one; the rest is the stream. */
export function readChunked(input: Buffer): ChunkedInput {
  const count = Math.min((input[0] ?? 0) & MAX_LENGTHS, Math.max(0, input.length - 1))
  const lengths = [...input.subarray(1, 1 + count)]
  const stream = input.subarray(1 + count)
  return { stream, chunks: cut(stream, lengths) }
}

/** @param lengths at most 15, each 1 to 256; none leaves the stream in one piece */
export function writeChunked(stream: Uint8Array, lengths: readonly number[] = []): Buffer {
  return Buffer.concat([Buffer.from([lengths.length, ...lengths.map((length) => length - 1)]), stream])
}

/** Chunks in memory of their own, as a socket's are. */
function cut(stream: Buffer, lengths: readonly number[]): Buffer[] {
  if (lengths.length === 0) return [Buffer.from(stream)]
  const chunks: Buffer[] = []
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const length = (lengths[turn % lengths.length] ?? 0) + 1
    chunks.push(Buffer.from(stream.subarray(at, at + length)))
    at += length
  }
  return chunks
}
