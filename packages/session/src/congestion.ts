import { SyscallError } from '@reversed-vpn/node-tun'
import { getTcpCongestion, getTcpInfo, setTcpCongestion } from '@reversed-vpn/node-tun/socket'

/** A lost packet is no sign of a full queue to it, which most losses on the way between a shoot and its seed are not. */
export const PREFERRED_CONGESTION = 'bbr'

/** What a connection over a long way has until its slow start has ended. */
export const SLOW_START_CONGESTION = 'cubic'

/**
 * A connection inside takes a few milliseconds more for a full queue. Spread over a shorter round trip, packets are never
 * that late.
 */
const LONG_WAY_US = 9_000

/**
 * Sets the congestion control that a connection begins with. Over a long way that is not BBR: see `StartupWatch`, which has
 * it take over. Where the kernel has BBR on its own account, or does not let us have the other, BBR it is.
 * @param fd a connected TCP socket
 * @throws SyscallError when the kernel refuses it
 */
export function setFirstCongestion(fd: number, wanted: string): void {
  if (wanted === PREFERRED_CONGESTION && isPacingAvoidable(fd) && trySetCongestion(fd, SLOW_START_CONGESTION))
    return
  setTcpCongestion(fd, wanted)
}

/** A socket that had BBR once spreads what it sends for ever, whatever it has later. */
function isPacingAvoidable(fd: number): boolean {
  return getTcpInfo(fd).roundTripUs >= LONG_WAY_US && getTcpCongestion(fd) !== PREFERRED_CONGESTION
}

/** Whether the kernel lets us have it. */
export function trySetCongestion(fd: number, name: string): boolean {
  try {
    setTcpCongestion(fd, name)
    return true
  } catch (error) {
    if (error instanceof SyscallError) return false
    throw error
  }
}
