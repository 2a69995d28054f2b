import { isIPv4 } from 'node:net'
import { parseAddress } from '@reversed-vpn/ip'
import { type ProxyHeader, type ProxyProtocolVersion, type SocketEnd, V2_SIGNATURE } from './proxy-header.js'

const V2_PROXY = 0x21
const V2_LOCAL = 0x20
const V2_TCP4 = 0x11
const V2_TCP6 = 0x21

/**
 * Encodes a PROXY protocol header. Ends of different families are both encoded as IPv6, the IPv4 one mapped (RFC 4291 §2.5.5.2).
 * Without ends the header is UNKNOWN (v1) or LOCAL (v2).
 *
 * @throws TypeError for text that is not an address
 */
export function encodeProxyHeader(version: ProxyProtocolVersion, header: ProxyHeader): Buffer {
  const { source, destination } = header
  if (source === undefined || destination === undefined) {
    return version === 'v1'
      ? Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
      : Buffer.concat([V2_SIGNATURE, Buffer.from([V2_LOCAL, 0, 0, 0])])
  }
  const isIPv4Pair = isIPv4(source.address) && isIPv4(destination.address)
  return version === 'v1'
    ? encodeV1(source, destination, isIPv4Pair)
    : encodeV2(source, destination, isIPv4Pair)
}

function encodeV1(source: SocketEnd, destination: SocketEnd, isIPv4Pair: boolean): Buffer {
  const text = (end: SocketEnd) => (isIPv4Pair ? end.address : mapped(end.address))
  const family = isIPv4Pair ? 'TCP4' : 'TCP6'
  const ends = `${text(source)} ${text(destination)} ${source.port} ${destination.port}`
  return Buffer.from(`PROXY ${family} ${ends}\r\n`, 'latin1')
}

function encodeV2(source: SocketEnd, destination: SocketEnd, isIPv4Pair: boolean): Buffer {
  const bytesOf = ({ address }: SocketEnd) => addressBytes(isIPv4Pair ? address : mapped(address))
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(source.port, 0)
  ports.writeUInt16BE(destination.port, 2)
  const payload = Buffer.concat([bytesOf(source), bytesOf(destination), ports])
  const head = Buffer.from([V2_PROXY, isIPv4Pair ? V2_TCP4 : V2_TCP6, 0, payload.length])
  return Buffer.concat([V2_SIGNATURE, head, payload])
}

function mapped(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : address
}

function addressBytes(text: string): Buffer {
  const address = parseAddress(text)
  if (address === undefined) throw new TypeError(`${JSON.stringify(text)} is not an IP address`)
  const hexDigits = address.family === 4 ? 8 : 32
  return Buffer.from(address.value.toString(16).padStart(hexDigits, '0'), 'hex')
}
