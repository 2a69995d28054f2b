import type { Socket } from 'node:net'
import { setTcpNotsentLowatBytes, setTcpUserTimeoutMs, socketDescriptor } from '@reversed-vpn/node-tun/socket'
import { setFirstCongestion } from './congestion.js'
import { UNSENT_BYTES } from './limits.js'

interface SocketTuning {
  /** Unacknowledged data older than this ends the connection (`TCP_USER_TIMEOUT`). */
  readonly userTimeoutMs: number
  /**
   * The congestion control that it is to have, the kernel's default when absent. It may begin with another:
   * see `StartupWatch`.
   */
  readonly congestion?: string | undefined
}

/**
 * Sets up the TCP socket below a lane: small packets leave at once, little lies unsent in the kernel, and a
 * connection that nobody acknowledges ends.
 * @param socket a connected TCP socket, before or below TLS
 * @throws SyscallError with the name of the option when the kernel refuses it
 */
export function tuneLaneSocket(socket: Socket, tuning: SocketTuning): void {
  socket.setNoDelay(true)
  const fd = socketDescriptor(socket)
  if (fd === undefined) return
  setTcpUserTimeoutMs(fd, tuning.userTimeoutMs)
  setTcpNotsentLowatBytes(fd, UNSENT_BYTES)
  if (tuning.congestion !== undefined) setFirstCongestion(fd, tuning.congestion)
}
