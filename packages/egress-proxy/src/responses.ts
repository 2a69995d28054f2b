import type { Socket } from 'node:net'
import type { EgressRefusal } from './egress-refusal.js'

/** The whole answer to a CONNECT whose target was reached. No header fields: the stream begins behind it. */
export const CONNECTION_ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

const MAX_PHRASE_CHARS = 200

/** The whole answer to a refused request: status line with the reason, `Proxy-Status` (RFC 9209), no body. */
export function formatRefusal(refusal: EgressRefusal): string {
  const lines = [
    `HTTP/1.1 ${refusal.status} ${printable(refusal.message)}`,
    `Proxy-Status: seed-server; error=${refusal.proxyError}; details=${quoted(refusal.detail)}`,
    'Content-Length: 0',
    'Connection: close',
  ]
  if (refusal.reason === 'method-not-allowed') lines.push('Allow: CONNECT')
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Writes a last answer and closes. What the caller still sends is read and dropped for `lingerMs`, because closing a
 * socket with unread bytes resets the connection, and a reset can overtake the answer.
 */
export function answerAndClose(socket: Socket, answer: string, lingerMs: number): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.end(answer, 'latin1')
  socket.resume()
}

/** What may stand in a status line and in a quoted string: visible ASCII and spaces (RFC 9112 §4, RFC 8941 §3.3.3). */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_PHRASE_CHARS)
}

function quoted(text: string): string {
  return `"${printable(text).replace(/["\\]/g, '\\$&')}"`
}
