import type { ProxyProtocolVersion, TcpEndpoint } from '@reversed-vpn/daemon'

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

/** The routes that are in force, made to be looked up. No two of them claim the same connection: its maker sees to that. */
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

  /** The route for a TLS server name, of any case: one that asks for a protocol that is offered comes before one that asks for none. */
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
