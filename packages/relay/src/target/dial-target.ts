import type { Socket } from 'node:net'
import { dialAddresses } from '../dial/dial-tcp.js'
import { joinSome } from '../dial/join-some.js'
import { formatHostPort } from '../host-port.js'
import { TargetRefusal, type TargetRefusalReason } from './target-refusal.js'

interface DialTargetOptions {
  readonly port: number
  /** Opens a socket to connect to that address: half-open, paused. */
  readonly createSocket: (address: string) => Socket
  /** What a connection to that address comes from. @default the kernel chooses */
  readonly localAddressFor?: (address: string) => string | undefined
  /** For all addresses together, in ms. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Connects to the first of `addresses` that answers: they race (RFC 8305), so that a silent one holds up nobody. The caller
 * owns the socket, which has no listeners but one that swallows errors.
 *
 * @param addresses at least one, canonical and permitted: they are dialled as they are
 * @throws TargetRefusal with the reason of the first address
 * @throws the signal's reason when that aborts
 */
export async function dialTarget(addresses: readonly string[], options: DialTargetOptions): Promise<Socket> {
  const { port, createSocket, localAddressFor, timeoutMs: ms, signal } = options
  const error = () =>
    new TargetRefusal('dial-timeout', `${describe(addresses, port)} did not answer within ${ms} ms`)
  try {
    return await dialAddresses(
      addresses,
      { port, createSocket, localAddressFor, deadline: { ms, error } },
      signal,
    )
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    if (cause instanceof TargetRefusal) throw cause
    const errors = cause instanceof AggregateError ? cause.errors : [cause]
    const codes = errors.map(({ code }: NodeJS.ErrnoException) => code ?? 'failed')
    const detail = `${describe(addresses, port)}: ${joinSome(codes, ', ')}`
    throw new TargetRefusal(reasonOf(errors[0]), detail, { cause })
  }
}

function describe(addresses: readonly string[], port: number): string {
  return joinSome(
    addresses.map((host) => formatHostPort(host, port)),
    ', ',
  )
}

function reasonOf({ code, syscall }: NodeJS.ErrnoException): TargetRefusalReason {
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
