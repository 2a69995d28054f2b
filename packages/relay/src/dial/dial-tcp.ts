import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Deadline } from '../with-deadline.js'
import { alternateFamilies } from './alternate-families.js'
import { type NameResolver, systemNames } from './name-resolver.js'
import { raceAddresses } from './race-addresses.js'

/** Where to dial: `host` is an IP address without brackets or a name. */
export interface DialTarget {
  readonly host: string
  readonly port: number
}

/** Options of the socket. `highWaterMark` is one of every stream, which `connect` passes on and its types leave out. */
type SocketOptions = Omit<Partial<TcpNetConnectOpts>, 'host' | 'port' | 'localAddress'> & {
  readonly highWaterMark?: number
}

interface OpenOptions {
  readonly socket?: SocketOptions
  /** Opens the socket to connect to that address, which `socket` does not count for then. @default as Node does */
  readonly createSocket?: ((address: string) => Socket) | undefined
}

interface DialTcpOptions extends OpenOptions {
  /** @default those of the system */
  readonly names?: Pick<NameResolver, 'resolve'>
}

interface DialAddressesOptions extends OpenOptions {
  readonly port: number
  /** What a connection to that address comes from. @default the kernel chooses */
  readonly localAddressFor?: ((address: string) => string | undefined) | undefined
  /** For all addresses together. @default none but the signal */
  readonly deadline?: Deadline | undefined
}

/**
 * Connects to a name or address. The name is resolved for each dial, and all its addresses of both families race.
 * The socket swallows errors.
 *
 * @throws of the look-up: an error with code `ENOTFOUND` or `EAI_AGAIN`; otherwise as {@link dialAddresses}
 */
export async function dialTcp(
  { host, port }: DialTarget,
  options: DialTcpOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { names = systemNames, ...open } = options
  const addresses = await names.resolve(host, signal)
  return dialAddresses(addresses, { port, ...open }, signal)
}

/**
 * Connects to the first of `addresses` that answers (RFC 8305). The socket swallows errors.
 *
 * @param addresses at least one
 * @throws the error of the only address, or an AggregateError with the code of the preferred one; the signal's reason; the
 *   deadline's error
 */
export function dialAddresses(
  addresses: readonly string[],
  { port, socket = {}, createSocket, localAddressFor = () => undefined, deadline }: DialAddressesOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const open = (address: string) => {
    const localAddress = localAddressFor(address)
    // Node's own race cuts attempts off.
    const options = { ...socket, host: address, port, autoSelectFamily: false }
    const bound = localAddress === undefined ? options : { ...options, localAddress }
    return createSocket === undefined ? connect(bound) : createSocket(address).connect(bound)
  }
  return raceAddresses(alternateFamilies(addresses), open, signal, deadline)
}
