import type { Socket } from 'node:net'
import { formatEndpoint } from '@reversed-vpn/daemon'
import { orDestroy } from '@reversed-vpn/relay'
import { type DialTarget, directTransport, openTcp, type Transport } from '@reversed-vpn/session'
import { httpConnect } from './http-connect.js'
import { isTls, secureIfTls } from './secure-hop.js'

/**
 * A TCP connection to `target`: directly, or through a corporate proxy that is asked by CONNECT.
 *
 * @param proxy `http://` or `https://`, with user and password where it wants them
 * @throws DialError; the signal's reason when it fires first
 */
export async function openPath(
  target: DialTarget,
  proxy: URL | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  if (proxy === undefined) return openTcp(target, signal)
  const host = hostOf(proxy)
  const toProxy = await openTcp({ host, port: portOf(proxy) }, signal)
  const authority = formatEndpoint({ type: 'tcp', ...target })
  return orDestroy(toProxy, async () => {
    const below = await secureIfTls(toProxy, proxy, { hop: 'proxy', host }, signal)
    return httpConnect(below, { hop: 'proxy', target: authority, credentials: proxy }, signal)
  })
}

/** Whom a URL names, without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** The port that a URL names or means. */
export function portOf(url: URL): number {
  return Number(url.port) || (isTls(url) ? 443 : 80)
}

/** ` by proxy HOST`, or nothing: the end of a transport's description. Credentials are left out. */
export function byProxy(proxy: URL | undefined): string {
  return proxy === undefined ? '' : ` by proxy ${proxy.host}`
}

/** TCP to the tunnel port, or to a gateway that routes TLS by server name; through a proxy where there is one. */
export function proxiedTransport(target: DialTarget, proxy: URL | undefined): Transport {
  if (proxy === undefined) return directTransport(target)
  return {
    description: `TCP to ${formatEndpoint({ type: 'tcp', ...target })}${byProxy(proxy)}`,
    open: (signal) => openPath(target, proxy, signal),
  }
}
