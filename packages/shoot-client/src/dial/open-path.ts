import type { Socket } from 'node:net'
import { formatEndpoint } from '@reversed-vpn/daemon'
import { orDestroy } from '@reversed-vpn/relay'
import {
  type DialTarget,
  directTransport,
  type HopSocketOptions,
  openTcp,
  type Transport,
} from '@reversed-vpn/session'
import { httpConnect } from './http-connect.js'
import { isTls, secureIfTls } from './secure-hop.js'

/** How the first hop is reached. */
export interface PathOptions extends HopSocketOptions {
  /** A corporate proxy: `http://` or `https://`, with user and password where it wants them. */
  readonly proxy?: URL | undefined
}

/**
 * A TCP connection to `target`: directly, or through a corporate proxy that is asked by CONNECT.
 * @throws DialError; the signal's reason when it fires first
 */
export async function openPath(
  target: DialTarget,
  options: PathOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { proxy } = options
  if (proxy === undefined) return openTcp(target, options, signal)
  const host = hostOf(proxy)
  const toProxy = await openTcp({ host, port: portOf(proxy) }, options, signal)
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
export function proxiedTransport(target: DialTarget, options: PathOptions): Transport {
  const { proxy } = options
  if (proxy === undefined) return directTransport(target, options)
  return {
    description: `TCP to ${formatEndpoint({ type: 'tcp', ...target })}${byProxy(proxy)}`,
    open: (signal) => openPath(target, options, signal),
  }
}
