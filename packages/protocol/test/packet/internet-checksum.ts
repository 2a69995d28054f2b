/** Whether a sum over the bytes and a pseudo-header, checksum included, comes out right: big integers, byte by byte (RFC 1071). */
export function verifies(bytes: Uint8Array, pseudoHeader: Uint8Array = new Uint8Array(0)): boolean {
  const all = [...pseudoHeader, ...bytes]
  if (all.length % 2 === 1) all.push(0)
  const value = BigInt(`0x00${Buffer.from(all).toString('hex')}`)
  // One's complement addition of 16-bit words is arithmetic modulo 0xffff.
  return value !== 0n && value % 0xffffn === 0n
}

/** The pseudo-header of a packet without options or extension headers. */
export function pseudoHeaderOf(packet: Uint8Array): Uint8Array {
  const isVersion4 = (packet[0] ?? 0) >> 4 === 4
  const l4Bytes = packet.length - (isVersion4 ? 20 : 40)
  const protocol = packet[isVersion4 ? 9 : 6] ?? 0
  const addresses = isVersion4 ? packet.subarray(12, 20) : packet.subarray(8, 40)
  return Uint8Array.from([...addresses, 0, protocol, l4Bytes >> 8, l4Bytes & 0xff])
}
