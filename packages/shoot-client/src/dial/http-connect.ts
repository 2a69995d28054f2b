import { request } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpHeader } from '@reversed-vpn/daemon'
import { DialError, toDialError } from '@reversed-vpn/secure'

export interface HttpConnectOptions {
  /** Who is asked, for errors: `gateway`, `proxy`. */
  readonly hop: string
  /** `HOST:PORT` to be connected to. Gateways that route by header ignore it. */
  readonly target: string
  /** Sent in this order, a name possibly more than once. @default none */
  readonly headers?: readonly HttpHeader[]
  /** Whose user and password are sent, where it has them (RFC 7617). */
  readonly credentials: URL
}

/**
 * Asks who is at the other end of `socket` to connect it further (HTTP CONNECT, RFC 9110 §9.3.6).
 *
 * @returns the socket, which carries nothing yet
 * @throws DialError naming the hop; the signal's reason when it fires first. The socket is destroyed then.
 */
export function httpConnect(
  socket: Socket,
  options: HttpConnectOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { hop, target } = options
  return new Promise((resolve, reject) => {
    const connecting = request({
      method: 'CONNECT',
      path: target,
      headers: headersOf(options),
      createConnection: () => socket,
      signal,
    })
    const fail = (error: Error) => {
      socket.destroy()
      reject(signal.aborted ? (signal.reason as Error) : error)
    }
    connecting.once('connect', (response, connected, head) => {
      const refusal = findRefusal(hop, response.statusCode ?? 0, response.statusMessage ?? '', head.length)
      if (refusal === undefined) resolve(connected as Socket)
      else fail(refusal)
    })
    connecting.once('response', (response) => {
      fail(refused(hop, response.statusCode ?? 0, response.statusMessage ?? ''))
    })
    connecting.on('error', (error) => {
      const failure = toDialError(error, 'proxy-garbage')
      fail(new DialError(failure.failure, `${hop}: ${failure.message}`, error))
    })
    connecting.end()
  })
}

/** Name and value in turn, which keeps order and repetitions. */
function headersOf({ target, headers = [], credentials }: HttpConnectOptions): string[] {
  const flat = ['Host', target, ...headers.flatMap(({ name, value }) => [name, value])]
  if (credentials.username === '') return flat
  const { username, password } = credentials
  const userPass = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return [...flat, 'Proxy-Authorization', `Basic ${Buffer.from(userPass).toString('base64')}`]
}

function findRefusal(hop: string, status: number, phrase: string, earlyBytes: number): DialError | undefined {
  if (status !== 200) return refused(hop, status, phrase)
  if (earlyBytes === 0) return undefined
  const text = `${hop} sent ${earlyBytes} B behind its 200; a TLS server never speaks first`
  return new DialError('proxy-early-data', text)
}

function refused(hop: string, status: number, phrase: string): DialError {
  return new DialError('proxy-refused', `${hop} answered CONNECT with ${status} ${phrase}`.trimEnd())
}
