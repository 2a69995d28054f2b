import { STATUS_CODES } from 'node:http'
import { isIPv6 } from 'node:net'
import { isHostName } from '@reversed-vpn/daemon'

/** The answer to a CONNECT whose backend is connected. The TLS behind it begins with the client. */
export const CONNECTED = 'HTTP/1.1 200 Connection established\r\n\r\n'

/** An answer that ends the connection. The phrase gives the reason: clients of CONNECT often show nothing else. */
export function closingAnswer(
  status: number,
  phrase = STATUS_CODES[status] ?? '',
  fields: readonly string[] = [],
): string {
  const lines = [`HTTP/1.1 ${status} ${phrase}`, ...fields, 'Connection: close', 'Content-Length: 0']
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** The same over TLS, on 443 (RFC 9110 §15.4.9); undefined without a usable host. */
export function redirectTarget(host: string | undefined, path: string | undefined): string | undefined {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host ?? '')?.[1] ?? ''
  const isAddress = name.startsWith('[') && isIPv6(name.slice(1, -1))
  if (!isAddress && !isHostName(name) && !/^\d{1,3}(\.\d{1,3}){3}$/.test(name)) return undefined
  return `https://${name}${path?.startsWith('/') ? path : '/'}`
}
