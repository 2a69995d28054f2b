import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { openTcpSocket } from '@reversed-vpn/node-tun/socket'
import type { ByteBudget } from '@reversed-vpn/relay'
import { KEEP_ALIVE } from './keep-alive.js'

/** `noDelay` and the rest are options of every socket of Node, and `manualStart` keeps it from reading before it is connected. */
type SocketOptions = SocketConstructorOpts &
  typeof KEEP_ALIVE & { noDelay: boolean; manualStart: boolean; onread: OnReadOpts }

/**
 * A socket into the shoot, not yet connected. Bound to the tunnel's interface: an address of the shoot's networks that this
 * host gets later, or a route that goes, leads nobody astray.
 *
 * @throws SyscallError as `openTcpSocket`
 */
export function createSocket(family: 4 | 6, device: string | undefined, budget: ByteBudget): Socket {
  const options: SocketOptions = {
    ...KEEP_ALIVE,
    fd: openTcpSocket({ family, device }),
    allowHalfOpen: true,
    noDelay: true,
    readable: true,
    writable: true,
    manualStart: true,
    onread: budget.reads(),
  }
  // Nothing may be read before there is someone to take it.
  return new Socket(options).pause()
}
