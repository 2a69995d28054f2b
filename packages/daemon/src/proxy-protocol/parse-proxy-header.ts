import { isIPv4, isIPv6 } from 'node:net'
import { formatAddress } from '@reversed-vpn/ip'
import { type ProxyHeader, ProxyHeaderError, V1_PREFIX, V2_SIGNATURE } from './proxy-header.js'

/** The longest header of version 1, including CRLF (PROXY protocol §2.1). */
const MAX_V1_BYTES = 107
const V2_HEAD_BYTES = 16
/** Enough for addresses and the few extensions that proxies send; the field allows 65,535. */
const MAX_V2_PAYLOAD_BYTES = 2048

const V2_VERSION = 0x20
const V2_COMMAND = { local: 0x0, proxy: 0x1 } as const
const V2_FAMILY = { tcp4: 0x11, tcp6: 0x21 } as const
const IPV4_BYTES = 4
const IPV6_BYTES = 16

/** The longest header that is accepted, in bytes. */
export const MAX_PROXY_HEADER_BYTES = V2_HEAD_BYTES + MAX_V2_PAYLOAD_BYTES

/**
 * Parses a PROXY protocol header, version 1 or 2, at the beginning of a connection. Skips extensions (TLV), and addresses
 * that are not TCP over IPv4 or IPv6.
 *
 * @param bytes all that was received so far
 * @returns the header and its length; undefined while more bytes are needed, but never with MAX_PROXY_HEADER_BYTES or more
 * @throws ProxyHeaderError
 */
export function parseProxyHeader(
  bytes: Buffer,
): { readonly header: ProxyHeader; readonly headerBytes: number } | undefined {
  const signatureBytes = Math.min(bytes.length, V2_SIGNATURE.length)
  if (bytes.subarray(0, signatureBytes).equals(V2_SIGNATURE.subarray(0, signatureBytes)))
    return parseV2(bytes)
  const prefix = bytes.toString('latin1', 0, V1_PREFIX.length)
  if (V1_PREFIX.startsWith(prefix)) return parseV1(bytes)
  throw new ProxyHeaderError('ERR_PROXY_HEADER_MISSING', 'no PROXY protocol header')
}

function parseV1(bytes: Buffer) {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n')
  if (end === -1) {
    if (bytes.length >= MAX_V1_BYTES) throw malformed(`no end of line within ${MAX_V1_BYTES} B`)
    return undefined
  }
  const words = bytes.toString('latin1', V1_PREFIX.length, end).split(' ')
  const headerBytes = end + 2
  if (words[0] === 'UNKNOWN') return { header: {}, headerBytes }
  const [family, source = '', destination = '', sourcePort = '', destinationPort = ''] = words
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined
  if (words.length !== 5 || isAddress === undefined)
    throw malformed('not TCP4, TCP6 or UNKNOWN with two addresses')
  if (!isAddress(source) || !isAddress(destination)) throw malformed(`not two ${family} addresses`)
  const header = {
    source: { address: source, port: readPort(sourcePort) },
    destination: { address: destination, port: readPort(destinationPort) },
  }
  return { header, headerBytes }
}

function readPort(text: string): number {
  const port = /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw malformed(`no port: ${JSON.stringify(text)}`)
  return port
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function parseV2(bytes: Buffer) {
  if (bytes.length < V2_HEAD_BYTES) return undefined
  const command = (bytes[12] ?? 0) ^ V2_VERSION
  const family = bytes[13] ?? 0
  const payloadBytes = bytes.readUInt16BE(14)
  if (command !== V2_COMMAND.local && command !== V2_COMMAND.proxy) {
    throw malformed(`version and command 0x${bytes.toString('hex', 12, 13)}`)
  }
  if (payloadBytes > MAX_V2_PAYLOAD_BYTES) {
    throw malformed(`${payloadBytes} B of addresses and extensions exceed ${MAX_V2_PAYLOAD_BYTES} B`)
  }
  const headerBytes = V2_HEAD_BYTES + payloadBytes
  if (bytes.length < headerBytes) return undefined
  if (command === V2_COMMAND.local) return { header: {}, headerBytes }
  const header = readAddresses(family, bytes.subarray(V2_HEAD_BYTES, headerBytes))
  return { header, headerBytes }
}

function readAddresses(family: number, payload: Buffer): ProxyHeader {
  const isIPv4Family = family === V2_FAMILY.tcp4
  if (!isIPv4Family && family !== V2_FAMILY.tcp6) return {}
  const addressBytes = isIPv4Family ? IPV4_BYTES : IPV6_BYTES
  if (payload.length < 2 * addressBytes + 4)
    throw malformed(`${payload.length} B are too few for two addresses`)
  return {
    source: {
      address: addressIn(payload.subarray(0, addressBytes)),
      port: payload.readUInt16BE(2 * addressBytes),
    },
    destination: {
      address: addressIn(payload.subarray(addressBytes, 2 * addressBytes)),
      port: payload.readUInt16BE(2 * addressBytes + 2),
    },
  }
}

function addressIn(bytes: Buffer): string {
  const family = bytes.length === IPV4_BYTES ? 4 : 6
  return formatAddress({ family, value: BigInt(`0x${bytes.toString('hex')}`) })
}

function malformed(problem: string): ProxyHeaderError {
  return new ProxyHeaderError('ERR_PROXY_HEADER_MALFORMED', `PROXY protocol header: ${problem}`)
}
