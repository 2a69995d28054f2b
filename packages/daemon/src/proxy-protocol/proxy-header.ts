/** One end of a TCP connection: an IP address without brackets, and a port. */
export interface SocketEnd {
  readonly address: string
  readonly port: number
}

/** The content of a PROXY protocol header: the ends of the connection that a proxy forwards. */
export interface ProxyHeader {
  /**
   * The client of the proxy, and the address it connected to. Both are absent for the proxy's own connections (health checks).
   */
  readonly source?: SocketEnd
  readonly destination?: SocketEnd
}

export const PROXY_PROTOCOL_VERSIONS = ['v1', 'v2'] as const
export type ProxyProtocolVersion = (typeof PROXY_PROTOCOL_VERSIONS)[number]

/** MISSING: the connection begins with something else. MALFORMED: it begins like a header but is not valid. */
type ProxyHeaderErrorCode = 'ERR_PROXY_HEADER_MISSING' | 'ERR_PROXY_HEADER_MALFORMED'

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
