import { isIPv6, type Socket } from 'node:net'
import { type ByteBudget, dialTarget, TargetRefusal } from '@reversed-vpn/relay'
import { createSocket } from './create-socket.js'
import { probeSlowly } from './keep-alive.js'

/** Where connections into the shoot come from: the tunnel's interface and its addresses. Without one, a family is not dialled. */
export interface TransferAddresses {
  /** @default whatever the routes say */
  readonly device?: string | undefined
  readonly ipv4?: string | undefined
  readonly ipv6?: string | undefined
}

interface DialOptions {
  readonly port: number
  readonly transfer: TransferAddresses
  /** What the stream may hold of what the target sends. */
  readonly budget: ByteBudget
  /** For all addresses together, in ms. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * As `dialTarget`, from the transfer addresses. The socket is half-open and paused.
 *
 * @param addresses canonical and permitted: they are dialled as they are
 * @throws TargetRefusal, also where the tunnel has no address of their families
 * @throws the signal's reason when that aborts
 */
export async function dialFirst(addresses: readonly string[], options: DialOptions): Promise<Socket> {
  const { port, transfer, budget, timeoutMs, signal } = options
  const localAddressFor = (address: string) => (isIPv6(address) ? transfer.ipv6 : transfer.ipv4)
  const openFor = (address: string) => createSocket(isIPv6(address) ? 6 : 4, transfer.device, budget)
  const usable = addresses.filter((address) => localAddressFor(address) !== undefined)
  if (usable.length === 0)
    throw new TargetRefusal('unreachable', 'the tunnel has no address of the family of the target')
  const socket = await dialTarget(usable, { port, createSocket: openFor, localAddressFor, timeoutMs, signal })
  probeSlowly(socket)
  return socket
}
