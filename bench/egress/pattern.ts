const TABLE_BYTES = 1_048_576
const MAX_BLOCK_BYTES = 65_536
/** Prime, so that streams that follow each other begin far apart. */
const STREAM_OFFSET = 104_729

const TABLE = makeTable()

/** Bytes of a stream from a position on, at least one of them: the same on both ends, and others in every stream. */
export function patternAt(stream: number, position: number, maxBytes: number): Buffer {
  const start = (stream * STREAM_OFFSET + position) % TABLE_BYTES
  return TABLE.subarray(start, start + Math.min(maxBytes, MAX_BLOCK_BYTES))
}

/** Bytes without a short period: the upper bits of a linear congruential generator (Numerical Recipes' constants). */
function makeTable(): Buffer {
  const table = Buffer.alloc(TABLE_BYTES)
  let state = 1
  for (let n = 0; n < TABLE_BYTES; n++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    table[n] = state >>> 24
  }
  return table
}
