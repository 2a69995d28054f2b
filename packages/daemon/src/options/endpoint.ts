import { isIPv4, isIPv6 } from 'node:net'
import { formatHostPort } from '@reversed-vpn/relay'
import type { OptionKind } from './option.js'

/** A TCP address to listen on or to dial. `host` is an IP address without brackets, or a name, unresolved. */
export interface TcpEndpoint {
  readonly type: 'tcp'
  readonly host: string
  /** 0–65535. When listening, 0 lets the kernel choose. */
  readonly port: number
}

/** A Unix domain socket. */
export interface UnixEndpoint {
  readonly type: 'unix'
  readonly path: string
}

export type Endpoint = TcpEndpoint | UnixEndpoint

interface EndpointLimits {
  /** Lowest port accepted: 0 to listen, 1 to dial. @default 0 */
  readonly minPort?: 0 | 1
}

/** `sun_path` without its final NUL (`linux/un.h`). */
const MAX_UNIX_PATH_BYTES = 107
const MAX_PORT = 65535
const MAX_NAME_LENGTH = 253
const NAME_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i
const TCP_FORMS = '[IPV6]:PORT, IPV4:PORT or NAME:PORT'

/** An address and port: `[::]:1194`, `0.0.0.0:9443`, `vpn.example:1194`. */
export function endpoint(limits: EndpointLimits = {}): OptionKind<TcpEndpoint, ''> {
  const minPort = limits.minPort ?? 0
  return {
    placeholder: 'HOST:PORT',
    expected: `${TCP_FORMS} with a port of ${minPort}–${MAX_PORT}`,
    parse: (text) => parseTcpEndpoint(text, minPort),
    suffix: '',
  }
}

/** An address and port, or `unix:/PATH` with an absolute path. */
export function endpointOrUnix(limits: EndpointLimits = {}): OptionKind<Endpoint, ''> {
  const minPort = limits.minPort ?? 0
  return {
    placeholder: 'HOST:PORT',
    expected: `${TCP_FORMS} with a port of ${minPort}–${MAX_PORT}, or unix:/PATH`,
    parse: (text) => (text.startsWith('unix:') ? parseUnixEndpoint(text) : parseTcpEndpoint(text, minPort)),
    suffix: '',
  }
}

/** An endpoint as a user writes it. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.type === 'unix') return `unix:${endpoint.path}`
  return formatHostPort(endpoint.host, endpoint.port)
}

/**
 * Whether text is a DNS name: at most 253 letters, digits, hyphens and underscores, and nothing that could be an IPv4 address.
 */
export function isHostName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  const labels = name.split('.')
  if (name.length > MAX_NAME_LENGTH || !labels.every((label) => NAME_LABEL.test(label))) return false
  return !/^(\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? '')
}

/** A DNS name or an IP address without brackets or zone. The dot of the root is taken off, which certificates and SNI lack. */
export function hostName(): OptionKind<string, ''> {
  return {
    placeholder: 'NAME',
    expected: 'a DNS name or an IP address',
    parse: (text) =>
      isHostName(text) || isIPv4(text) || isPlainIPv6(text) ? text.replace(/\.$/, '') : undefined,
    suffix: '',
  }
}

function parseTcpEndpoint(text: string, minPort: number): TcpEndpoint | undefined {
  const match = /^(?:\[(?<ipv6>[^\]]*)\]|(?<host>[^:]*)):(?<port>\d{1,5})$/.exec(text)
  if (match?.groups === undefined) {
    if (isIPv6(text) || /^[^[]*:.*:\d+$/.test(text)) throw new Error('an IPv6 address needs brackets')
    return undefined
  }
  const { ipv6, host = '' } = match.groups
  const port = Number(match.groups.port)
  if (port < minPort || port > MAX_PORT) throw new Error(`port ${port} is out of range`)
  if (ipv6 !== undefined) {
    if (ipv6.includes('%')) throw new Error('a zone ID is not allowed')
    return isIPv6(ipv6) ? { type: 'tcp', host: ipv6, port } : undefined
  }
  return isIPv4(host) || isHostName(host) ? { type: 'tcp', host, port } : undefined
}

function parseUnixEndpoint(text: string): UnixEndpoint | undefined {
  const path = text.slice('unix:'.length)
  if (!path.startsWith('/') || path.includes('\0')) return undefined
  if (Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES)
    throw new Error(`a path of ${Buffer.byteLength(path)} B exceeds ${MAX_UNIX_PATH_BYTES} B`)
  return { type: 'unix', path }
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}
