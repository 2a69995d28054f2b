import type { Server, Socket } from 'node:net'
import { loadNativeAddon } from '../native-addon.js'

// asm-generic/socket.h, netinet/in.h, linux/tcp.h
const SOL_SOCKET = 1
const SO_MAX_PACING_RATE = 47
const IPPROTO_TCP = 6
const TCP_MAXSEG = 2
const TCP_KEEPINTVL = 5
const TCP_CONGESTION = 13
const TCP_USER_TIMEOUT = 18
const TCP_NOTSENT_LOWAT = 25

/**
 * Sets how long data may stay unacknowledged before the kernel gives the connection up (`TCP_USER_TIMEOUT`, RFC 5482).
 * @param timeoutMs 0 stands for the kernel's own limit
 * @throws SyscallError EBADF, ENOPROTOOPT or EOPNOTSUPP when `fd` is not a TCP socket
 */
export function setTcpUserTimeoutMs(fd: number, timeoutMs: number): void {
  loadNativeAddon().setSocketOptionNumber(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeoutMs)
}

/** What `setTcpUserTimeoutMs` set, 0 by default. @throws SyscallError */
export function getTcpUserTimeoutMs(fd: number): number {
  return loadNativeAddon().getSocketOptionNumber(fd, IPPROTO_TCP, TCP_USER_TIMEOUT)
}

/**
 * Sets how long after one unanswered keepalive probe the next is sent (`TCP_KEEPINTVL`).
 * @throws SyscallError EINVAL outside 1 to 32767, else as `setTcpUserTimeoutMs`
 */
export function setTcpKeepAliveIntervalS(fd: number, seconds: number): void {
  loadNativeAddon().setSocketOptionNumber(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds)
}

/**
 * Sets the largest segment that a connection sends and asks the other end for (`TCP_MAXSEG`), in bytes with TCP's options and
 * without its header. Counts for a socket that is not connected yet, and for what a listening one is asked to accept from now on.
 * @throws SyscallError EINVAL outside 88 to 32767, else as `setTcpUserTimeoutMs`
 */
export function setTcpMaxSegment(fd: number, bytes: number): void {
  loadNativeAddon().setSocketOptionNumber(fd, IPPROTO_TCP, TCP_MAXSEG, bytes)
}

/** The largest segment that a connection sends now. @throws SyscallError */
export function getTcpMaxSegment(fd: number): number {
  return loadNativeAddon().getSocketOptionNumber(fd, IPPROTO_TCP, TCP_MAXSEG)
}

/** What `setTcpKeepAliveIntervalS` set. @throws SyscallError */
export function getTcpKeepAliveIntervalS(fd: number): number {
  return loadNativeAddon().getSocketOptionNumber(fd, IPPROTO_TCP, TCP_KEEPINTVL)
}

/**
 * Sets how many bytes may wait unsent in the kernel before a socket counts as not writable (`TCP_NOTSENT_LOWAT`).
 * @throws SyscallError as `setTcpUserTimeoutMs`
 */
export function setTcpNotsentLowatBytes(fd: number, bytes: number): void {
  loadNativeAddon().setSocketOptionNumber(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes)
}

/** What `setTcpNotsentLowatBytes` set, 0 when the system's limit holds. @throws SyscallError */
export function getTcpNotsentLowatBytes(fd: number): number {
  return loadNativeAddon().getSocketOptionNumber(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT)
}

/**
 * Chooses the congestion control by the kernel's name for it, for example `bbr` (`TCP_CONGESTION`).
 * @throws SyscallError ENOENT when the kernel has none of that name, EPERM when it is not in
 *   `net.ipv4.tcp_allowed_congestion_control`, else as `setTcpUserTimeoutMs`
 */
export function setTcpCongestion(fd: number, name: string): void {
  loadNativeAddon().setSocketOptionText(fd, IPPROTO_TCP, TCP_CONGESTION, name)
}

/** The congestion control in use. @throws SyscallError */
export function getTcpCongestion(fd: number): string {
  return loadNativeAddon().getSocketOptionText(fd, IPPROTO_TCP, TCP_CONGESTION)
}

/**
 * Sets how fast TCP may send at most, in bytes a second (`SO_MAX_PACING_RATE`). The congestion control may send more slowly.
 * @param bytesPerSecond 1 to 2³¹ - 1; undefined: as fast as the congestion control says, which is the default
 * @throws SyscallError as `setTcpUserTimeoutMs`
 */
export function setMaxPacingRate(fd: number, bytesPerSecond: number | undefined): void {
  loadNativeAddon().setSocketOptionNumber(fd, SOL_SOCKET, SO_MAX_PACING_RATE, bytesPerSecond ?? -1)
}

/** What `setMaxPacingRate` set. @throws SyscallError */
export function getMaxPacingRate(fd: number): number | undefined {
  const rate = loadNativeAddon().getSocketOptionNumber(fd, SOL_SOCKET, SO_MAX_PACING_RATE)
  return rate === -1 ? undefined : rate
}

/**
 * How much kernel memory holds data that was written to a Unix socket and not read at the other end, in bytes; 0 when everything
 * was read (`SIOCOUTQ`, linux/sockios.h).
 * @throws SyscallError EBADF or ENOTTY when `fd` is no socket
 */
export function getUnreadBytes(fd: number): number {
  return loadNativeAddon().getUnreadBytes(fd)
}

/**
 * The descriptor of a connected or listening socket; for a TLS socket, of the TCP socket below. Undefined when the socket is
 * closed or has no kernel socket. The socket keeps it: use it at once, never store it.
 */
export function socketDescriptor(socket: Socket | Server): number | undefined {
  // Node has no public API for it.
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null }
  const fd = handle?.fd
  return typeof fd === 'number' && fd >= 0 ? fd : undefined
}
