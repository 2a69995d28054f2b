import { formatEndpoint } from '@reversed-vpn/daemon'
import { type DialTarget, directTransport, type Transport } from '@reversed-vpn/session'
import { byProxy, openWay } from './open-way.js'

/** TCP to the tunnel port, or to a gateway that routes TLS by server name, by way of a proxy where there is one. */
export function proxiedTransport(target: DialTarget, proxy: URL | undefined): Transport {
  if (proxy === undefined) return directTransport(target)
  return {
    description: `TCP to ${formatEndpoint({ type: 'tcp', ...target })}${byProxy(proxy)}`,
    open: (signal) => openWay(target, proxy, signal),
  }
}
