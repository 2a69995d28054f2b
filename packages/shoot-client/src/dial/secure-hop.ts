import { isIP, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { untilConnected } from '@reversed-vpn/relay'
import { DialError } from '@reversed-vpn/secure'

interface SecureHopOptions {
  /** Who is at the other end, for errors: `gateway`, `proxy`. */
  readonly hop: string
  /** The name or address that its certificate must carry. */
  readonly host: string
  /** Its authorities, PEM. @default those that Node knows */
  readonly ca?: string | undefined
}

/**
 * TLS up to a hop, beneath what runs end to end.
 * @throws DialError `tls-failed` naming the hop; the signal's reason when it fires first. The socket is destroyed then.
 */
function secureHop(socket: Socket, options: SecureHopOptions, signal: AbortSignal): Promise<Socket> {
  const { hop, ca } = options
  // The dot of the root is no part of a server name (RFC 6066 §3).
  const host = options.host.replace(/\.$/, '')
  const secured = connect({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
  })
  return untilConnected(secured, {
    signal,
    event: 'secureConnect',
    toError: (error) => new DialError('tls-failed', `TLS to the ${hop} ${host}: ${error.message}`, error),
    destroy() {
      secured.destroy()
      socket.destroy()
    },
  })
}

/** The socket itself, or TLS on it where the URL of the hop wants that. @throws as {@link secureHop} */
export async function secureIfTls(
  socket: Socket,
  url: URL,
  options: SecureHopOptions,
  signal: AbortSignal,
): Promise<Socket> {
  return isTls(url) ? secureHop(socket, options, signal) : socket
}

export function isTls({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:'
}
