import { isIPv6, Socket, type SocketConstructorOpts } from 'node:net'
import { openTcpSocket } from '@reversed-vpn/node-tun/socket'
import { dialAddresses } from '@reversed-vpn/relay'
import type { TransferAddresses } from './tun-dialler.js'

/** One connection into the shoot that is only opened. */
export interface Knock {
  /** An IP address. It is dialled as it is: whether it may be is for the caller to decide. */
  readonly address: string
  readonly port: number
  /** How many routers its packets pass, as TTL or hop limit. @default as many as those of any connection */
  readonly hopLimit?: number | undefined
}

interface KnockOptions {
  readonly transfer: TransferAddresses
  readonly timeoutMs: number
}

/**
 * Opens a TCP connection as the egress proxy does for its callers, from the transfer address and through the TUN, and closes it.
 *
 * @returns `connected`, or the code of what became of it: `ECONNREFUSED`, `EHOSTUNREACH`, …; `ETIMEDOUT` when nothing came
 * @throws the signal's reason when that aborts
 */
export async function knock(
  { address, port, hopLimit }: Knock,
  { transfer, timeoutMs: ms }: KnockOptions,
  signal: AbortSignal,
): Promise<string> {
  const [family, localAddress] = isIPv6(address)
    ? ([6, transfer.ipv6] as const)
    : ([4, transfer.ipv4] as const)
  const createSocket = () => openSocket(family, transfer.device, hopLimit)
  const deadline = { ms, error: () => Object.assign(new Error('nothing came'), { code: 'ETIMEDOUT' }) }
  const options = { port, createSocket, localAddressFor: () => localAddress, deadline }
  try {
    const socket = await dialAddresses([address], options, signal)
    socket.destroy()
    return 'connected'
  } catch (error) {
    signal.throwIfAborted()
    return (error as NodeJS.ErrnoException).code ?? 'failed'
  }
}

/** `manualStart`, which keeps it from reading before it is connected, is an option of Node's that its types leave out. */
function openSocket(family: 4 | 6, device: string | undefined, hopLimit: number | undefined): Socket {
  const options: SocketConstructorOpts & { manualStart: boolean } = {
    fd: openTcpSocket({ family, device, hopLimit }),
    readable: true,
    writable: true,
    manualStart: true,
  }
  return new Socket(options)
}
