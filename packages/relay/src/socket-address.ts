import { isIPv4, type Socket } from 'node:net'
import { makeCidr, parseAddressNormalized } from '@reversed-vpn/ip'

/** An address as people write it: IPv4 as such, though a socket of both families names it IPv4-mapped, and no zone. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=[\d.]+$)/, '').replace(/%.*$/, '')
}

/** The address of the other end; `unknown` once the socket is gone. */
export function remoteAddressOf(socket: Socket): string {
  return socket.remoteAddress === undefined ? 'unknown' : plainAddress(socket.remoteAddress)
}

/** Addresses and ports of both ends: all that Node tells of which socket is below a TLS socket. */
export function socketKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}

/** A host has a whole /64 of IPv6 to come from. */
const IPV6_SOURCE_BITS = 64

/**
 * What counts as one source: an IPv4 address or a /64 of IPv6. Undefined for what is no address. Cheap for IPv4, as floods are.
 */
export function sourceOf(address: string): string | undefined {
  const plain = plainAddress(address)
  if (isIPv4(plain)) return plain
  const parsed = parseAddressNormalized(plain)
  if (parsed === undefined) return undefined
  const { text } = makeCidr(parsed.family, parsed.value, parsed.family === 4 ? 32 : IPV6_SOURCE_BITS)
  return text.replace(/\/32$/, '')
}
