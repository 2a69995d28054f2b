import { isIPv6, type Socket } from 'node:net'
import { formatEndpoint } from '@reversed-vpn/daemon'
import { type ByteBudget, dialAddresses, joinSome } from '@reversed-vpn/relay'
import { createSocket } from './create-socket.js'
import { EgressRefusal, type RefusalReason } from './egress-refusal.js'
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
 * Connects to the first of `addresses` that answers: they race (RFC 8305), so that a silent one holds up nobody. The
 * caller owns the socket (half-open, paused, no listeners but one that swallows errors).
 *
 * @param addresses canonical and permitted: they are dialled as they are
 * @throws EgressRefusal with the reason of the first address
 * @throws the signal's reason when that aborts
 */
export async function dialFirst(addresses: readonly string[], options: DialOptions): Promise<Socket> {
  const { port, transfer, budget, timeoutMs: ms, signal } = options
  const localAddressFor = (address: string) => (isIPv6(address) ? transfer.ipv6 : transfer.ipv4)
  const openFor = (address: string) => createSocket(isIPv6(address) ? 6 : 4, transfer.device, budget)
  const usable = addresses.filter((address) => localAddressFor(address) !== undefined)
  if (usable.length === 0)
    throw new EgressRefusal('unreachable', 'the tunnel has no address of the family of the target')
  const ends = usable.map((host) => formatEndpoint({ type: 'tcp', host, port }))
  const where = joinSome(ends, ', ')
  const error = () => new EgressRefusal('dial-timeout', `${where} did not answer within ${ms} ms`)
  try {
    const deadline = { ms, error }
    const socket = await dialAddresses(
      usable,
      { port, createSocket: openFor, localAddressFor, deadline },
      signal,
    )
    probeSlowly(socket)
    return socket
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    if (cause instanceof EgressRefusal) throw cause
    const errors = cause instanceof AggregateError ? cause.errors : [cause]
    const codes = errors.map(({ code }: NodeJS.ErrnoException) => code ?? 'failed')
    throw new EgressRefusal(reasonOf(errors[0]), `${where}: ${joinSome(codes, ', ')}`, { cause })
  }
}

function reasonOf({ code, syscall }: NodeJS.ErrnoException): RefusalReason {
  // As it binds it says that the address is not this host's; as it connects, that no port of it is left for that target.
  if (code === 'EADDRNOTAVAIL' && syscall === 'connect') return 'out-of-ports'
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'ENODEV':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
    case 'EINVAL':
      return 'unreachable'
    case 'ETIMEDOUT':
      return 'dial-timeout'
    default:
      return 'dial-failed'
  }
}
