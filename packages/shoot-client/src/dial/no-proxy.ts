import { BlockList, isIP } from 'node:net'
import type { DialTarget } from '@reversed-vpn/session'

/**
 * Whether `NO_PROXY` excepts a target. As curl and Go read it: entries with commas or spaces between, each `*`, a
 * domain (with all below it), `.domain` or `*.domain` (those below it alone), an address or a CIDR, and a port where
 * the entry is for that alone. Nobody means a proxy for this very host.
 */
export function isProxyUnwanted({ host: anyHost, port }: DialTarget, noProxy: string): boolean {
  const host = normalize(anyHost)
  if (isLoopback(host)) return true
  return noProxy.split(/[,\s]+/).some((entry) => {
    const [, name = entry, onlyPort] = /^(\[.*\]|[^:]+):(\d+)$/.exec(entry) ?? []
    if (name === '' || (onlyPort !== undefined && Number(onlyPort) !== port)) return false
    return name === '*' || (isIP(host) === 0 ? isBelow(host, name) : isWithin(host, name))
  })
}

/** Without the brackets of an IPv6 address and the dot of the root. */
function normalize(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$|\.$/g, '')
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || isWithin(host, '127.0.0.0/8') || isWithin(host, '::1')
}

function isBelow(host: string, entry: string): boolean {
  const domain = normalize(entry)
  if (domain.startsWith('*')) return host.endsWith(domain.slice(1))
  if (domain.startsWith('.')) return host.endsWith(domain)
  return host === domain || host.endsWith(`.${domain}`)
}

function isWithin(address: string, entry: string): boolean {
  const [network = '', prefix] = normalize(entry).split('/')
  const [family, networkFamily] = [isIP(address), isIP(network)]
  if (family === 0 || networkFamily !== family) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const bits = family === 4 ? 32 : 128
  const prefixLength = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (!(prefixLength <= bits)) return false
  const list = new BlockList()
  list.addSubnet(network, prefixLength, type)
  return list.check(address, type)
}
