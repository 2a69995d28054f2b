/** One end of a TCP connection: an IP address without brackets, and a port. */
export interface SocketEnd {
  readonly address: string
  readonly port: number
}

/** What a PROXY protocol header says about the connection that a proxy passes on. */
export interface ProxyHeader {
  /** Who opened the connection to the proxy, and what it was opened to; absent for connections of the proxy's own (health checks). */
  readonly source?: SocketEnd
  readonly destination?: SocketEnd
}

export const PROXY_PROTOCOL_VERSIONS = ['v1', 'v2'] as const
export type ProxyProtocolVersion = (typeof PROXY_PROTOCOL_VERSIONS)[number]

/** `missing`: the connection begins with something else. `malformed`: it begins like a header and is none. */
export type ProxyHeaderErrorCode = 'ERR_PROXY_HEADER_MISSING' | 'ERR_PROXY_HEADER_MALFORMED'

export class ProxyHeaderError extends Error {
  readonly code: ProxyHeaderErrorCode

  constructor(code: ProxyHeaderErrorCode, message: string) {
    super(message)
    this.name = 'ProxyHeaderError'
    this.code = code
  }
}

/** The first 12 bytes of version 2 (PROXY protocol §2.2). */
export const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** How version 1 begins (PROXY protocol §2.1). */
export const V1_PREFIX = 'PROXY '
