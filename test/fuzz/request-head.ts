/** The lines of a request's head and what comes behind it, read in the plainest way: up to the first empty line. */
interface RequestHead {
  readonly lines: readonly string[]
  readonly after: Buffer
}

export function requestHeadOf(stream: Buffer): RequestHead {
  // Empty lines before the request are passed over (RFC 9112 §2.2).
  let start = 0
  while (stream[start] === 0x0d || stream[start] === 0x0a) start++
  const end = stream.indexOf('\r\n\r\n', start)
  if (end === -1) return { lines: [], after: Buffer.alloc(0) }
  return { lines: stream.toString('latin1', start, end).split('\r\n'), after: stream.subarray(end + 4) }
}
