import { SyscallError } from '@reversed-vpn/node-tun'
import { getTcpCongestion, getTcpInfo, setTcpCongestion } from '@reversed-vpn/node-tun/socket'

/** It does not take loss for congestion. Most losses between a shoot and its seed are not. */
export const PREFERRED_CONGESTION = 'bbr'

/** What a connection on a high-RTT path has until its slow start has ended. */
export const SLOW_START_CONGESTION = 'cubic'

/** From here on a path is a high-RTT path: pacing delays packets by milliseconds, which look like a full queue. */
const HIGH_RTT_US = 9_000

/**
 * Sets the congestion control that a connection begins with. On a high-RTT path that is not BBR:
 * `StartupWatch` switches to it later. If BBR is the kernel's default, or the kernel refuses the other one,
 * it is BBR from the beginning.
 * @param fd a connected TCP socket
 * @throws SyscallError when the kernel refuses it
 */
export function setFirstCongestion(fd: number, wanted: string): void {
  if (wanted === PREFERRED_CONGESTION && isPacingAvoidable(fd) && trySetCongestion(fd, SLOW_START_CONGESTION))
    return
  setTcpCongestion(fd, wanted)
}

/** A socket that once had BBR paces for ever, whatever it has later. */
function isPacingAvoidable(fd: number): boolean {
  return getTcpInfo(fd).roundTripUs >= HIGH_RTT_US && getTcpCongestion(fd) !== PREFERRED_CONGESTION
}

/** @returns false if the kernel refuses it */
export function trySetCongestion(fd: number, name: string): boolean {
  try {
    setTcpCongestion(fd, name)
    return true
  } catch (error) {
    if (error instanceof SyscallError) return false
    throw error
  }
}
