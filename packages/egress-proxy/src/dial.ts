import { isIPv6, type Socket } from 'node:net'
import { formatEndpoint } from '@reversed-vpn/daemon'
import { dialAddresses, withDeadline } from '@reversed-vpn/relay'
import { EgressRefusal, type RefusalReason } from './egress-refusal.js'
import { KEEP_ALIVE, probeSlowly } from './keep-alive.js'

/** The tunnel's own addresses, which connections into the shoot come from. A family without one cannot be dialled. */
export interface TransferAddresses {
  readonly ipv4?: string | undefined
  readonly ipv6?: string | undefined
}

interface DialOptions {
  readonly port: number
  readonly transfer: TransferAddresses
  /** For all addresses together, in ms. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, ...KEEP_ALIVE } as const

/**
 * Connects to the first of `addresses` that answers: they race (RFC 8305), so that a silent one holds up nobody. The
 * caller owns the socket (half-open, paused, no listeners but one that swallows errors).
 *
 * @param addresses canonical and permitted: they are dialled as they are
 * @throws EgressRefusal with the reason of the first address
 * @throws the signal's reason when that aborts
 */
export async function dialFirst(addresses: readonly string[], options: DialOptions): Promise<Socket> {
  const { port, transfer, timeoutMs: ms, signal } = options
  const localAddressFor = (address: string) => (isIPv6(address) ? transfer.ipv6 : transfer.ipv4)
  const usable = addresses.filter((address) => localAddressFor(address) !== undefined)
  if (usable.length === 0)
    throw new EgressRefusal('unreachable', 'the tunnel has no address of the family of the target')
  const where = usable.map((host) => formatEndpoint({ type: 'tcp', host, port })).join(', ')
  const error = () => new EgressRefusal('dial-timeout', `${where} did not answer within ${ms} ms`)
  return withDeadline(signal, { ms, error }, async (signal) => {
    try {
      const socket = await dialAddresses(usable, { port, socket: SOCKET_OPTIONS, localAddressFor }, signal)
      probeSlowly(socket)
      return socket
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      const { code } = cause as NodeJS.ErrnoException
      throw new EgressRefusal(reasonOf(code), `${where}: ${codesOf(cause)}`, { cause })
    }
  })
}

/** Of every address that failed. */
function codesOf(error: unknown): string {
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.map(({ code }: NodeJS.ErrnoException) => code ?? 'failed').join(', ')
}

function reasonOf(code: string | undefined): RefusalReason {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
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
