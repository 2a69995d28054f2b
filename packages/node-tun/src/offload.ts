import type { TunOffload } from './tun-device.js'

// TUN_F_* of linux/if_tun.h
const MASK_CHECKSUM = 0x01
const MASK_TSO4 = 0x02
const MASK_TSO6 = 0x04

/** Every packet whole and checksummed: what a device has when it is opened. */
export const NO_OFFLOAD: TunOffload = Object.freeze({ checksum: false, tso4: false, tso6: false })

/** The argument of `TUNSETOFFLOAD`. */
export function offloadMask({ checksum, tso4, tso6 }: TunOffload): number {
  return (checksum ? MASK_CHECKSUM : 0) | (tso4 ? MASK_TSO4 : 0) | (tso6 ? MASK_TSO6 : 0)
}
