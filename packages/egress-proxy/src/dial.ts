import { connect, isIPv6, type Socket } from 'node:net'
import { formatEndpoint } from '@reversed-vpn/daemon'
import { untilConnected } from '@reversed-vpn/relay'
import { EgressRefusal, type RefusalReason } from './egress-refusal.js'

/** Quiet connections (an idle `kubectl exec`) stay; probes only find out which of them have died. */
export const TCP_KEEPALIVE_DELAY_MS = 60_000

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

/**
 * Connects to the first of `addresses` that answers, one after the other; each gets an equal share of what is left of the
 * time, so that a silent first one leaves room for the rest. The caller owns the socket (half-open, paused, no listeners
 * but one that swallows errors).
 *
 * @param addresses canonical and permitted: they are dialled as they are
 * @throws EgressRefusal with the reason of the last address tried
 * @throws the signal's reason when that aborts
 */
export async function dialFirst(addresses: readonly string[], options: DialOptions): Promise<Socket> {
  const deadlineMs = performance.now() + options.timeoutMs
  let failure = new EgressRefusal('unreachable', 'the tunnel has no address of the family of the target')
  const usable = addresses.filter((address) => localAddressFor(address, options.transfer) !== undefined)
  for (const [index, address] of usable.entries()) {
    options.signal.throwIfAborted()
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0) break
    try {
      return await dialOne(address, options, leftMs / (usable.length - index))
    } catch (error) {
      if (!(error instanceof EgressRefusal)) throw error
      failure = error
    }
  }
  throw failure
}

function localAddressFor(address: string, transfer: TransferAddresses): string | undefined {
  return isIPv6(address) ? transfer.ipv6 : transfer.ipv4
}

function dialOne(address: string, options: DialOptions, timeoutMs: number): Promise<Socket> {
  const { port, transfer, signal } = options
  const where = formatEndpoint({ type: 'tcp', host: address, port })
  const socket = connect({
    host: address,
    port,
    localAddress: localAddressFor(address, transfer),
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
    autoSelectFamily: false,
  })
  const timedOut = () =>
    new EgressRefusal('dial-timeout', `${where} did not answer within ${Math.round(timeoutMs)} ms`)
  return untilConnected(socket, {
    signal,
    event: 'connect',
    timeout: { ms: timeoutMs, error: timedOut },
    toError: (cause: NodeJS.ErrnoException) =>
      new EgressRefusal(reasonOf(cause.code), `${where}: ${cause.code ?? 'failed'}`, { cause }),
    destroy: () => socket.destroy(),
  })
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
