import { loadNativeAddon } from '../native-addon.js'

// netinet/in.h, linux/tcp.h, linux/inet_diag.h
const IPPROTO_TCP = 6
const TCP_INFO = 11
const TCP_CC_INFO = 26

/** Of `struct tcp_info`, as far as it is read here. Linux 4.6 and newer fill that much. */
const INFO = { bytes: 168, rtt: 68, sndSsthresh: 76, bytesAcked: 120, minRtt: 148 } as const

/** Where slow start ends as long as nothing has ended it (`TCP_INFINITE_SSTHRESH` in Linux's `net/tcp.h`). */
const INFINITE_SSTHRESH = 0x7fff_ffff

/** `struct tcp_bbr_info`. Its length tells it from the other members of `union tcp_cc_info`. */
const BBR = { bytes: 20, pacingGain: 12, gainUnit: 256 } as const

/** What the kernel knows about the path of a connection. */
export interface TcpInfo {
  /** Smoothed (RFC 6298), in microseconds. */
  readonly roundTripUs: number
  /** The shortest of the last five minutes (`net.ipv4.tcp_min_rtt_wlen`), in microseconds. */
  readonly minRoundTripUs: number
  /** No loss and no growing round trip has ended slow start (RFC 5681) yet. */
  readonly isInSlowStart: boolean
  /** Acknowledged since the connection was opened. Exact up to 2⁵³. */
  readonly ackedBytes: number
}

const buffer = Buffer.alloc(INFO.bytes)

/** Asks for the state of a TCP connection (`TCP_INFO`). @throws SyscallError as `setTcpUserTimeoutMs` */
export function getTcpInfo(fd: number): TcpInfo {
  loadNativeAddon().getSocketOptionBytes(fd, IPPROTO_TCP, TCP_INFO, buffer)
  return {
    roundTripUs: buffer.readUInt32LE(INFO.rtt),
    minRoundTripUs: buffer.readUInt32LE(INFO.minRtt),
    isInSlowStart: buffer.readUInt32LE(INFO.sndSsthresh) >= INFINITE_SSTHRESH,
    ackedBytes: Number(buffer.readBigUInt64LE(INFO.bytesAcked)),
  }
}

/**
 * BBR's pacing gain (`TCP_CC_INFO`): how much faster it sends than its estimate of the bandwidth. 2.89 in STARTUP, 0 before
 * the first acknowledgement.
 * @returns undefined under another congestion control
 * @throws SyscallError as `setTcpUserTimeoutMs`
 */
export function getBbrPacingGain(fd: number): number | undefined {
  const length = loadNativeAddon().getSocketOptionBytes(fd, IPPROTO_TCP, TCP_CC_INFO, buffer)
  return length === BBR.bytes ? buffer.readUInt32LE(BBR.pacingGain) / BBR.gainUnit : undefined
}
