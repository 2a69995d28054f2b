import type { HttpHeader } from '@reversed-vpn/daemon'
import { orDestroy } from '@reversed-vpn/relay'
import type { Transport } from '@reversed-vpn/session'
import type { GatewayAuthorities } from './gateway-authorities.js'
import { httpConnect } from './http-connect.js'
import { byProxy, hostOf, openPath, type PathOptions, portOf } from './open-path.js'
import { secureIfTls } from './secure-hop.js'

interface ConnectTransportOptions extends PathOptions {
  /** `http://HOST:PORT`, or `https://` for TLS up to the gateway. */
  readonly gateway: URL
  /** Authorities of an `https://` gateway, read with every dial. @default those that Node knows */
  readonly gatewayCa?: Pick<GatewayAuthorities, 'ca'> | undefined
  /** `HOST:PORT` that CONNECT names. Gateways that route by header ignore it. */
  readonly target: string
  /** Sent with CONNECT, in this order, a name possibly more than once. */
  readonly headers: readonly HttpHeader[]
}

/** HTTP CONNECT through the SNI endpoint, which finds the seed-server by a header. */
export function connectTransport(options: ConnectTransportOptions): Transport {
  const { gateway, gatewayCa, proxy, target, headers } = options
  return {
    description: `CONNECT through ${gateway.host}${byProxy(proxy)}`,
    async open(signal) {
      const host = hostOf(gateway)
      const path = await openPath({ host, port: portOf(gateway) }, options, signal)
      return orDestroy(path, async () => {
        const below = await secureIfTls(path, gateway, { hop: 'gateway', host, ca: gatewayCa?.ca }, signal)
        return httpConnect(below, { hop: 'gateway', target, headers, credentials: gateway }, signal)
      })
    },
  }
}
