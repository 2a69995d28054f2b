import { STATUS_CODES } from 'node:http'

/** An answer of the admin server. */
export interface AdminAnswer {
  readonly code: number
  readonly type: string
  readonly body: Buffer
}

export function textAnswer(code: number, text: string): AdminAnswer {
  return { code, type: 'text/plain; charset=utf-8', body: Buffer.from(text) }
}

/** What is sent before the body. The answer ends the connection. */
export function answerHead({ code, type, body }: AdminAnswer): string {
  const lines = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
    `Date: ${new Date().toUTCString()}`,
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    ...(code === 405 ? ['Allow: GET, HEAD'] : []),
    'Connection: close',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
