import type { ProxyProtocolVersion, TcpEndpoint } from '@reversed-vpn/daemon'

/**
 * What a routing header may hold: direction, port, no subset, and the name of a service, as Istio writes its clusters. It is
 * never resolved or dialled, only looked up in the table as it stands.
 */
const DESTINATION =
  /^outbound\|[1-9]\d{0,4}\|\|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/
const MAX_DESTINATION_LENGTH = 300

export const DESTINATION_SYNTAX = 'outbound|PORT||SERVICE.NAMESPACE.svc.cluster.local'

export function isDestination(text: string): boolean {
  return text.length <= MAX_DESTINATION_LENGTH && DESTINATION.test(text)
}

/** Where connections go that match it. */
export interface Route {
  /** For logs and metrics. */
  readonly name: string
  /** TLS server names, in lower case. */
  readonly serverNames: readonly string[]
  /** TLS connections only that offer this protocol (ALPN, RFC 7301). */
  readonly alpn?: string | undefined
  /** Values of a routing header. */
  readonly destinations: readonly string[]
  readonly backend: TcpEndpoint
  /** The header that tells the backend who the client is. */
  readonly proxyProtocol?: ProxyProtocolVersion | undefined
}

/** Routes, indexed for look-up. No two of them may claim the same connection: whoever makes the table has checked that. */
export class RouteTable {
  readonly routes: readonly Route[]
  readonly #byServerName = new Map<string, Route[]>()
  readonly #byDestination = new Map<string, Route>()

  constructor(routes: readonly Route[]) {
    this.routes = routes
    for (const route of routes) {
      for (const name of route.serverNames) {
        this.#byServerName.set(name, [...(this.#byServerName.get(name) ?? []), route])
      }
      for (const destination of route.destinations) this.#byDestination.set(destination, route)
    }
  }

  /**
   * The route for a TLS server name, of any case. A route whose protocol the client offers comes before one without a protocol.
   */
  findByServerName(serverName: string, alpn: readonly string[]): Route | undefined {
    const candidates = this.#byServerName.get(serverName.toLowerCase()) ?? []
    return (
      candidates.find((route) => route.alpn !== undefined && alpn.includes(route.alpn)) ??
      candidates.find((route) => route.alpn === undefined)
    )
  }

  findByDestination(destination: string): Route | undefined {
    return this.#byDestination.get(destination)
  }
}
