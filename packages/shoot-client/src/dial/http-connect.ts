import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { HttpHeader } from '@reversed-vpn/daemon'
import { orDestroy, untilSettled } from '@reversed-vpn/relay'
import { DialError, toDialError } from '@reversed-vpn/secure'
import { basicCredentials } from './credentials.js'

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

interface Answer {
  readonly status: number
  readonly phrase: string
  /** What came behind it. */
  readonly head: Buffer
}

const MAX_INTERIM_ANSWERS = 16

/**
 * Asks who is at the other end of `socket` to connect it further (HTTP CONNECT, RFC 9110 §9.3.6): any 2xx is a yes, and
 * interim answers before it are skipped (§15.2).
 *
 * @returns the socket, which carries nothing yet
 * @throws DialError naming the hop; the signal's reason when it fires first. The socket is destroyed then.
 */
export function httpConnect(
  socket: Socket,
  options: HttpConnectOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { hop } = options
  return orDestroy(socket, async () => {
    let answer = await readAnswer(socket, options, signal)
    for (let interim = 0; isInterim(answer); interim++) {
      if (interim === MAX_INTERIM_ANSWERS)
        throw new DialError('proxy-garbage', `${hop} sent more than ${MAX_INTERIM_ANSWERS} interim answers`)
      answer = await readNextAnswer(socket, answer.head, options, signal)
    }
    const refusal = findRefusal(hop, answer)
    if (refusal !== undefined) throw refusal
    return socket
  })
}

/** 101 is final: the hop speaks another protocol from then on. */
function isInterim({ status }: Answer): boolean {
  return status < 200 && status !== 101
}

/** Sends the request, and reads the first answer. Node takes any to CONNECT for the last, an interim one as well. */
function readAnswer(connection: Duplex, options: HttpConnectOptions, signal: AbortSignal): Promise<Answer> {
  const { hop, target } = options
  return untilSettled(signal, (resolve, reject) => {
    const headers = headersOf(options)
    const connecting: ClientRequest = request({
      method: 'CONNECT',
      path: target,
      headers,
      createConnection: () => connection,
      // Only the status counts, so what others bear with may pass: LF alone, lengths of no body (RFC 9110 §9.3.6).
      insecureHTTPParser: true,
    })
    const onAnswer = ({ statusCode = 0, statusMessage = '' }: IncomingMessage, head: Buffer) =>
      resolve({ status: statusCode, phrase: statusMessage, head })
    connecting.once('connect', (response, _, head) => onAnswer(response, head))
    connecting.once('response', (response) => onAnswer(response, Buffer.alloc(0)))
    connecting.on('error', (error) => {
      const failure = toDialError(error, 'proxy-garbage')
      reject(new DialError(failure.failure, `${hop}: ${failure.message}`, error))
    })
    connecting.end()
    return () => {}
  })
}

/** Reads the answer behind an interim one: of a request that goes nowhere, since it has been sent. */
async function readNextAnswer(
  socket: Socket,
  head: Buffer,
  options: HttpConnectOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const answers = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  // Not `data`: without its listener the socket would go on flowing, and lose what comes.
  const onReadable = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) answers.push(chunk)
  }
  const onEnd = () => answers.push(null)
  const onError = (error: Error) => answers.destroy(error)
  const onClose = () => answers.destroy()
  answers.on('error', () => {})
  if (head.length > 0) answers.push(head)
  socket.on('readable', onReadable).on('end', onEnd).on('error', onError).on('close', onClose)
  try {
    return await readAnswer(answers, options, signal)
  } finally {
    socket.off('readable', onReadable).off('end', onEnd).off('error', onError).off('close', onClose)
    answers.destroy()
  }
}

/** Name and value in turn, which keeps order and repetitions. */
function headersOf({ target, headers = [], credentials }: HttpConnectOptions): string[] {
  const flat = ['Host', target, ...headers.flatMap(({ name, value }) => [name, value])]
  const authorization = basicCredentials(credentials)
  return authorization === undefined ? flat : [...flat, 'Proxy-Authorization', authorization]
}

function findRefusal(hop: string, { status, phrase, head }: Answer): DialError | undefined {
  if (status < 200 || status > 299)
    return new DialError('proxy-refused', `${hop} answered CONNECT with ${status} ${phrase}`.trimEnd())
  if (head.length === 0) return undefined
  const text = `${hop} sent ${head.length} B behind its ${status}; a TLS server never speaks first`
  return new DialError('proxy-early-data', text)
}
