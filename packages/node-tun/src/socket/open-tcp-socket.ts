import { closeSync } from 'node:fs'
import { loadNativeAddon } from '../native-addon.js'
import type { SyscallError } from '../syscall-error.js'
import { setTcpMaxSegment } from './socket-option.js'

// bits/socket.h, linux/in.h, asm-generic/socket.h
const AF_INET = 2
const AF_INET6 = 10
const IPPROTO_IP = 0
const IP_TTL = 2
const IPPROTO_IPV6 = 41
const IPV6_UNICAST_HOPS = 16
const IP_BIND_ADDRESS_NO_PORT = 24
const SOL_SOCKET = 1
const SO_BINDTODEVICE = 25

interface TcpSocketOptions {
  readonly family: 4 | 6
  /** The only interface that it may send and receive through. @default any */
  readonly device?: string | undefined
  /** As {@link setTcpMaxSegment}, which has to come before connecting. @default by the MTU of the interface */
  readonly maxSegment?: number | undefined
  /** TTL or hop limit of what it sends, 1–255. @default that of the system */
  readonly hopLimit?: number | undefined
}

/**
 * Opens a TCP socket that is neither bound nor connected, for `new net.Socket({ fd })`: Node opens its own as it binds them,
 * and these options have to come before. Binding it to an address takes no port yet (`IP_BIND_ADDRESS_NO_PORT`): the
 * kernel chooses one as it connects, so that a port serves many targets at a time.
 *
 * @returns a descriptor that the caller closes
 * @throws SyscallError EMFILE, ENFILE; ENODEV when there is no such device; EINVAL for another `hopLimit`; as `setTcpMaxSegment`
 */
export function openTcpSocket({ family, device, maxSegment, hopLimit }: TcpSocketOptions): number {
  const addon = loadNativeAddon()
  const fd = addon.openTcpSocket(family === 6 ? AF_INET6 : AF_INET)
  try {
    // An emulated processor (qemu-user) has no such option: each port serves one target then.
    unless('ENOPROTOOPT', () => addon.setSocketOptionNumber(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1))
    // Linux before 5.7 wants CAP_NET_RAW for it. Who has none there goes by the routes alone.
    if (device !== undefined)
      unless('EPERM', () => addon.setSocketOptionText(fd, SOL_SOCKET, SO_BINDTODEVICE, device))
    if (maxSegment !== undefined) setTcpMaxSegment(fd, maxSegment)
    if (hopLimit !== undefined) {
      const [level, option] = family === 6 ? [IPPROTO_IPV6, IPV6_UNICAST_HOPS] : [IPPROTO_IP, IP_TTL]
      addon.setSocketOptionNumber(fd, level, option, hopLimit)
    }
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Does what the kernel may refuse with that code, which is borne. */
function unless(code: string, set: () => void): void {
  try {
    set()
  } catch (error) {
    if ((error as SyscallError).code !== code) throw error
  }
}
