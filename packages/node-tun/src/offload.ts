import { SyscallError } from './syscall-error.js'
import type { TunDevice, TunOffload } from './tun-device.js'

// TUN_F_* of linux/if_tun.h
const MASK_CHECKSUM = 0x01
const MASK_TSO4 = 0x02
const MASK_TSO6 = 0x04
const MASK_USO4_AND_USO6 = 0x20 | 0x40

/** Every packet whole and checksummed: what a device has when it is opened. */
export const NO_OFFLOAD: TunOffload = Object.freeze({ checksum: false, tso4: false, tso6: false, uso: false })

const TCP_OFFLOAD: TunOffload = Object.freeze({ checksum: true, tso4: true, tso6: true, uso: false })
const FULL_OFFLOAD: TunOffload = Object.freeze({ ...TCP_OFFLOAD, uso: true })

/** The argument of `TUNSETOFFLOAD`. */
export function offloadMask(offload: TunOffload): number {
  return (
    (offload.checksum ? MASK_CHECKSUM : 0) |
    (offload.tso4 ? MASK_TSO4 : 0) |
    (offload.tso6 ? MASK_TSO6 : 0) |
    (offload.uso ? MASK_USO4_AND_USO6 : 0)
  )
}

/**
 * The widest set this kernel takes, with USO where it has it. Whether it also carries such packets rightly is for the
 * caller to prove. The device is left with `NO_OFFLOAD`.
 * @throws SyscallError for any other refusal than EINVAL
 */
export function probeOffload(device: TunDevice): TunOffload {
  const widest = [FULL_OFFLOAD, TCP_OFFLOAD].find((offload) => isAccepted(device, offload)) ?? NO_OFFLOAD
  device.setOffload(NO_OFFLOAD)
  return widest
}

function isAccepted(device: TunDevice, offload: TunOffload): boolean {
  try {
    device.setOffload(offload)
    return true
  } catch (error) {
    if (error instanceof SyscallError && error.code === 'EINVAL') return false
    throw error
  }
}
