import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress } from '@reversed-vpn/ip'
import { EgressRefusal } from './egress-refusal.js'

const MAX_NAME_CHARS = 253
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const AUTHORITY = /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:[\]]*)):(?<port>[0-9]{1,5})$/

/** Where a caller wants to go. Addresses are canonical; an IPv4-mapped IPv6 address has become the IPv4 address. */
type ConnectTarget =
  | { readonly kind: 'address'; readonly host: string; readonly port: number }
  | { readonly kind: 'name'; readonly host: string; readonly port: number }

/** What `parseConnectRequest` looks at: the fields of `http.IncomingMessage` of the same names. */
interface ConnectRequestHead {
  readonly url?: string | undefined
  readonly httpVersion: string
  readonly rawHeaders: readonly string[]
}

/**
 * Checks the head of a CONNECT and takes its target apart (RFC 9110 §9.3.6, RFC 9112 §3.2.3). Fields that announce a
 * body are refused rather than ignored: whoever sits in front might read the first bytes of the stream as that body.
 *
 * @throws EgressRefusal `bad-request`
 */
export function parseConnectRequest(request: ConnectRequestHead): ConnectTarget {
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
    throw new EgressRefusal(
      'bad-request',
      `HTTP/${request.httpVersion} is not supported, expected 1.0 or 1.1`,
    )
  }
  let hosts = 0
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const field = request.rawHeaders[i]?.toLowerCase()
    if (field === 'host') hosts++
    if (field === 'content-length' || field === 'transfer-encoding') {
      throw new EgressRefusal('bad-request', `a CONNECT has no body, but ${field} was sent`)
    }
  }
  if (hosts > 1 || (hosts === 0 && request.httpVersion !== '1.0')) {
    throw new EgressRefusal('bad-request', `${hosts} host fields, expected one`)
  }
  return parseAuthority(request.url ?? '')
}

/** @throws EgressRefusal `bad-request` */
function parseAuthority(authority: string): ConnectTarget {
  const groups = AUTHORITY.exec(authority)?.groups
  if (!groups) throw new EgressRefusal('bad-request', 'the target is not host:port or [IPv6]:port')
  const port = Number(groups.port)
  if (port < 1 || port > 65535) throw new EgressRefusal('bad-request', `port ${port} is outside 1-65535`)
  const { bracketed, plain = '' } = groups
  if (bracketed === undefined) return parsePlainHost(plain, port)
  if (bracketed.includes('%'))
    throw new EgressRefusal('bad-request', 'an address with a zone identifier is not supported')
  const host = isIPv6(bracketed) ? canonicalAddress(bracketed) : undefined
  if (host === undefined) throw new EgressRefusal('bad-request', 'no IPv6 address between the brackets')
  return { kind: 'address', host, port }
}

function parsePlainHost(host: string, port: number): ConnectTarget {
  if (isIPv4(host)) return { kind: 'address', host, port }
  const name = host.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (name.length > MAX_NAME_CHARS || !labels.every((label) => LABEL.test(label))) {
    throw new EgressRefusal('bad-request', 'the host is neither a name nor an address')
  }
  // Resolvers take 127.1, 0x7f.1 and 2130706433 for addresses; no name ends in a number (RFC 3696 §2).
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) {
    throw new EgressRefusal('bad-request', 'the host ends in a number but is no IPv4 address')
  }
  return { kind: 'name', host: host.endsWith('.') ? `${name}.` : name, port }
}
