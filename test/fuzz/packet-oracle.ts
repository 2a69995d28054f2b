import { BlockList, isIPv4 } from 'node:net'

/**
 * What must not pass, written from SPEC.md and by other means than the checker: through `BlockList`, with one pass over a
 * DataView and a list of complaints. It only ever says no; a packet without complaint may be refused nevertheless.
 */

export const ORACLE_NETWORKS = {
  sources: ['192.168.123.1/32', 'fd8f:6d53:b97a:1::1/128'],
  destinations: ['10.0.0.0/8', '2001:db8:1::/48'],
  refused: ['10.255.0.0/16', '2001:db8:1:ff::/64'],
} as const

export interface OraclePolicy {
  readonly mtu: number
  readonly accepts: readonly string[]
  /** @default 256, of frames of a peer */
  readonly leastGsoSize?: number
}

const listed = (networks: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return list
}
const sources = listed(ORACLE_NETWORKS.sources)
const destinations = listed(ORACLE_NETWORKS.destinations)
const refused = listed(ORACLE_NETWORKS.refused)
const noRouters = listed([
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
])

interface PacketParts {
  readonly version: 4 | 6
  readonly protocol: number
  readonly l4: number
  readonly isFragment: boolean
  readonly fragmentOffsetBytes: number
  readonly complaints: readonly string[]
}

/** Where the transport header begins, and what is wrong on the way there. */
export function partsOf(packet: DataView): PacketParts {
  return packet.getUint8(0) >> 4 === 4 ? parts4(packet) : parts6(packet)
}

function parts4(packet: DataView): PacketParts {
  const l4 = (packet.getUint8(0) & 15) * 4
  const complaints: string[] = []
  if (l4 < 20 || l4 > packet.byteLength) complaints.push(`IPv4 header of ${l4} B`)
  if (packet.getUint16(2) !== packet.byteLength) complaints.push('total length')
  for (let at = 20; at < Math.min(l4, packet.byteLength); ) {
    const kind = packet.getUint8(at)
    if (kind === 0) break
    if (kind === 131 || kind === 137) complaints.push('source route')
    if (kind === 1) at++
    else if (at + 1 >= l4 || packet.getUint8(at + 1) < 2 || at + packet.getUint8(at + 1) > l4) {
      complaints.push('option beyond its header')
      break
    } else at += packet.getUint8(at + 1)
  }
  const fragmentField = packet.getUint16(6)
  return {
    version: 4,
    protocol: packet.getUint8(9),
    l4,
    isFragment: fragmentField % 0x4000 !== 0,
    fragmentOffsetBytes: (fragmentField % 0x2000) * 8,
    complaints,
  }
}

function parts6(packet: DataView): PacketParts {
  const complaints: string[] = []
  if (packet.byteLength < 40) {
    return {
      version: 6,
      protocol: 0,
      l4: 40,
      isFragment: false,
      fragmentOffsetBytes: 0,
      complaints: ['short'],
    }
  }
  if (packet.getUint16(4) !== packet.byteLength - 40) complaints.push('payload length')
  let [protocol, l4, isFragment, fragmentOffsetBytes] = [packet.getUint8(6), 40, false, 0]
  for (let count = 1; [0, 43, 44, 51, 60, 135, 139, 140].includes(protocol); count++) {
    if (fragmentOffsetBytes > 0) break
    if (protocol === 43) complaints.push('routing header')
    if (protocol === 0 && count > 1) complaints.push('hop-by-hop options not first')
    if (protocol === 44 && isFragment) complaints.push('two fragment headers')
    if (count > 8) complaints.push('more than 8 extension headers')
    if (l4 + 8 > packet.byteLength) complaints.push('extension beyond the packet')
    if (complaints.length > 0) break
    const units = packet.getUint8(l4 + 1)
    if (protocol === 44) {
      isFragment = true
      fragmentOffsetBytes = packet.getUint16(l4 + 2) & 0xfff8
    }
    const bytes = protocol === 44 ? 8 : protocol === 51 ? 8 + units * 4 : 8 + units * 8
    protocol = packet.getUint8(l4)
    l4 += bytes
  }
  return { version: 6, protocol, l4, isFragment, fragmentOffsetBytes, complaints }
}

function addressAt(packet: DataView, version: 4 | 6, at: number): string {
  if (version === 4) return [0, 1, 2, 3].map((index) => packet.getUint8(at + index)).join('.')
  return Array.from({ length: 8 }, (_, index) => packet.getUint16(at + index * 2).toString(16)).join(':')
}

/** BlockList takes an IPv4-mapped address for the IPv4 one, which no rule here means; no router has one. */
function isIn(list: BlockList, address: string, version: 4 | 6): boolean {
  if (version === 6 && address.startsWith('0:0:0:0:0:ffff:')) return list === noRouters
  return list.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/** Why this packet must not pass with this rebuilt virtio-net header; none when nothing is wrong. */
export function complaintsAbout(packet: DataView, header: DataView, policy: OraclePolicy): string[] {
  const version = packet.getUint8(0) >> 4
  if (version !== 4 && version !== 6) return ['IP version']
  const parts = partsOf(packet)
  const complaints = [...parts.complaints]
  if (complaints.length > 0) return complaints
  return [
    ...aboutTransport(packet, parts),
    ...aboutAddresses(packet, parts),
    ...aboutHeader(packet, header, parts, policy),
  ]
}

function aboutTransport(packet: DataView, { protocol, l4, version, ...parts }: PacketParts): string[] {
  if (parts.fragmentOffsetBytes > 0) {
    return protocol === 6 && parts.fragmentOffsetBytes < 20 ? ['fragment over a TCP header'] : []
  }
  const needed = protocol === 6 ? 20 : protocol === 17 || protocol === (version === 4 ? 1 : 58) ? 8 : 0
  if (l4 + needed > packet.byteLength) return ['truncated']
  if (protocol !== 6) return []
  const tcpBytes = (packet.getUint8(l4 + 12) >> 4) * 4
  return tcpBytes < 20 || l4 + tcpBytes > packet.byteLength ? ['TCP header length'] : []
}

function aboutAddresses(packet: DataView, parts: PacketParts): string[] {
  const { version, l4 } = parts
  const [sourceAt, destinationAt] = version === 4 ? [12, 16] : [8, 24]
  const source = addressAt(packet, version, sourceAt)
  const destination = addressAt(packet, version, destinationAt)
  const complaints: string[] = []
  if (!isIn(destinations, destination, version)) complaints.push(`destination ${destination}`)
  if (isIn(refused, destination, version)) complaints.push(`refused destination ${destination}`)
  const isIcmp = parts.protocol === (version === 4 ? 1 : 58) && parts.fragmentOffsetBytes === 0
  const type = isIcmp && l4 < packet.byteLength ? packet.getUint8(l4) : -1
  const isEcho = (version === 4 ? [0, 8] : [128, 129]).includes(type)
  if (!isIcmp || isEcho) {
    if (!isIn(sources, source, version)) complaints.push(`source ${source}`)
    return complaints
  }
  if (!(version === 4 ? [3, 11, 12] : [1, 2, 3, 4]).includes(type)) complaints.push(`ICMP type ${type}`)
  if (parts.isFragment) complaints.push('fragmented ICMP error')
  if (isIn(noRouters, source, version)) complaints.push(`ICMP error from ${source}`)
  const quote = l4 + 8
  if (quote + (version === 4 ? 28 : 48) > packet.byteLength) return [...complaints, 'short quote']
  if (packet.getUint8(quote) >> 4 !== version) return [...complaints, 'quote of another version']
  const from = addressAt(packet, version, quote + sourceAt)
  const to = addressAt(packet, version, quote + destinationAt)
  if (!isIn(destinations, from, version) || isIn(refused, from, version))
    complaints.push(`quoted source ${from}`)
  if (!isIn(sources, to, version)) complaints.push(`quoted destination ${to}`)
  return complaints
}

function aboutHeader(packet: DataView, header: DataView, parts: PacketParts, policy: OraclePolicy): string[] {
  const { protocol, l4, version } = parts
  const [flags, gsoType] = [header.getUint8(0), header.getUint8(1)]
  const [headerBytes = 0, gsoSize = 0, start = 0, offset = 0] = [2, 4, 6, 8].map((at) =>
    header.getUint16(at, true),
  )
  const complaints: string[] = []
  if (gsoType === 0 && packet.byteLength > policy.mtu) complaints.push('longer than the MTU')
  if (flags === 0) {
    if (gsoType + headerBytes + gsoSize + start + offset !== 0)
      complaints.push('a plain header that is not zero')
    return complaints
  }
  if (flags !== 1) complaints.push(`flags ${flags}`)
  if (parts.isFragment) complaints.push('offload of a fragment')
  if (!policy.accepts.includes('checksum')) complaints.push('checksum not accepted')
  if (protocol !== 6 && protocol !== 17) complaints.push(`checksum of protocol ${protocol}`)
  if (start !== l4) complaints.push(`csum_start ${start}`)
  if (offset !== (protocol === 6 ? 16 : 6)) complaints.push(`csum_offset ${offset}`)
  if (gsoType === 0) {
    if (headerBytes + gsoSize !== 0) complaints.push('GSO fields without GSO')
    return complaints
  }
  const [kinds, accepted] =
    protocol === 17 ? [[5], 'uso'] : version === 4 ? [[1, 0x81], 'tso4'] : [[4, 0x84], 'tso6']
  if (!(kinds as number[]).includes(gsoType)) complaints.push(`gso_type ${gsoType}`)
  if (!policy.accepts.includes(accepted as string)) complaints.push(`${accepted} not accepted`)
  const headersEnd = l4 + (protocol === 6 ? (packet.getUint8(l4 + 12) >> 4) * 4 : 8)
  if (headerBytes !== headersEnd) complaints.push(`hdr_len ${headerBytes}`)
  if (gsoSize < (policy.leastGsoSize ?? 256) || gsoSize + headersEnd > policy.mtu)
    complaints.push(`gso_size ${gsoSize}`)
  if (packet.byteLength - headersEnd <= gsoSize) complaints.push('a GSO packet of one segment')
  return complaints
}
