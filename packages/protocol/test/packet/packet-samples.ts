import { CidrSet } from '@reversed-vpn/ip'
import { DROP_REASONS, PacketChecker } from '@reversed-vpn/protocol'
import type { PacketPolicy } from '@reversed-vpn/protocol/testing'
import { hex, toHex } from '../hex.js'

/** Packets to the shoot: from the transfer address to its networks, with addresses inside them that are refused. */
export const TO_SHOOT: PacketPolicy = {
  sources: CidrSet.of(['192.168.123.1/32', 'fd8f:6d53:b97a:1::1/128']),
  destinations: CidrSet.of(['10.0.0.0/8', '100.64.0.0/10', '2001:db8:1::/48', 'fd00:ec2::/32']),
  refused: CidrSet.of(['100.100.100.200/32', 'fd00:ec2::254/128', '10.255.0.0/16']),
  accepts: ['checksum', 'tso4', 'tso6'],
  mtu: 1500,
}

// virtio-net headers: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
export const NO_OFFLOAD = '00 00 0000 0000 0000 0000'
export const TCP4_CHECKSUM = '01 00 0000 0000 1400 1000'
export const TCP4_GSO = '01 01 2800 a805 1400 1000'
export const TCP6_GSO = '01 04 3c00 a005 2800 1000'
export const UDP4_GSO = '01 05 1c00 b004 1400 0600'

// 20 bytes of TCP, 8 and 4 of UDP, 8 of ICMP echo
export const TCP = '0400 0050 00000001 00000002 5010 0200 0000 0000'
export const UDP = '0400 0050 000c 0000 11223344'
const ECHO = '0800 0000 0001 0001'

// Addresses as they stand in a header: source, destination
export const TO_POD4 = 'c0a87b01 0a000105'
export const TO_POD6 = 'fd8f6d53b97a00010000000000000001 20010db8000100000000000000000005'

export const TCP4_PACKET = `4500 0028 0001 0000 4006 0000 ${TO_POD4} ${TCP}`
export const UDP4_PACKET = `4500 0020 0001 0000 4011 0000 ${TO_POD4} ${UDP}`
export const ECHO4_PACKET = `4500 001c 0001 0000 4001 0000 ${TO_POD4} ${ECHO}`
export const TCP6_PACKET = `6000 0000 0014 0640 ${TO_POD6} ${TCP}`
export const UDP6_PACKET = `6000 0000 000c 1140 ${TO_POD6} ${UDP}`
export const ECHO6_PACKET = `6000 0000 0008 3a40 ${TO_POD6} 8000 0000 0001 0001`

export interface Judgement {
  readonly reason: string
  /** The header made anew, as hex; {@link UNTOUCHED} when nothing was written. */
  readonly header: string
}

/** The bytes of `text` and zeros up to `totalBytes`. */
export function frame(text: string, totalBytes = 0): Uint8Array {
  const bytes = hex(text)
  const padded = new Uint8Array(Math.max(bytes.length, totalBytes))
  padded.set(bytes)
  return padded
}

/** Checks one DATA payload that lies whole in memory, at an offset. */
export function judge(payload: Uint8Array, policy: Partial<PacketPolicy> = {}): Judgement {
  const checker = new PacketChecker({ ...TO_SHOOT, ...policy })
  const { verdict, header } = checkCopy(checker, payload)
  const reason = DROP_REASONS[verdict] ?? `unknown verdict ${verdict}`
  return { reason, header: verdict === 0 ? toHex(header) : UNTOUCHED }
}

/**
 * Checks a copy of a DATA payload, of which only `availableBytes` are there, between bytes that would be taken for a header. Throws
 * when anything but the header of a packet that passed was written.
 */
export function checkCopy(checker: PacketChecker, payload: Uint8Array, availableBytes = payload.length) {
  const before = new Uint8Array(3 + availableBytes + 4).fill(0x45)
  before.set(payload.subarray(0, availableBytes), 3)
  const after = before.slice()
  const verdict = checker.check(after, 3, availableBytes, payload.length)
  const header = after.slice(3, 13)
  if (verdict === 0) before.set(header, 3)
  if (toHex(after) !== toHex(before)) throw new Error(`verdict ${verdict}, and wrote ${toHex(after)}`)
  return { verdict, header }
}

const PLAIN_HEADER = '00'.repeat(10)
const UNTOUCHED = 'untouched'
/** What `judge` gives for a packet that passes with nothing left to the receiver. */
export const PASSES_PLAIN: Judgement = { reason: 'passed', header: PLAIN_HEADER }

/** What `judge` gives for a packet that is dropped. */
export function dropped(reason: string): Judgement {
  return { reason, header: UNTOUCHED }
}
