import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'

/** How a stream reaches the pod. */
export interface StreamPath {
  readonly host: string
  readonly port: number
  /** Mutual TLS, to a server with this name. @default plain TCP */
  readonly tls?: { readonly context: SecureContext; readonly serverName: string }
  /** `HOST:PORT` for a CONNECT. @default no CONNECT */
  readonly target?: string | undefined
}

const OPENED_AT_A_TIME = 16
const MAX_ANSWER_CHARACTERS = 4096
const ANSWER = /^HTTP\/1\.1 200 .*?\r\ncontent-length: (\d+)\r\n.*?\r\n\r\n(.*)$/is

/** Connects as a kube-apiserver does, without TLS session resumption. @throws Error with the answer that came instead */
export async function openStream({ host, port, tls, target }: StreamPath): Promise<Socket> {
  const socket =
    tls === undefined
      ? connectTcp({ host, port, noDelay: true })
      : connectTls({ host, port, secureContext: tls.context, servername: tls.serverName })
  socket.on('error', () => {})
  await settled(socket, tls === undefined ? 'connect' : 'secureConnect')
  if (target === undefined) return socket
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const [answer] = (await settled(socket, 'data')) as [Buffer]
  socket.pause()
  if (answer.toString('latin1').startsWith('HTTP/1.1 200 ')) return socket
  socket.destroy()
  throw new Error(`CONNECT was answered ${answer.toString('latin1').split('\r\n')[0]}`)
}

/** Opens that many, 16 at a time. @param onOpen what is done with each before the next */
export async function openStreams(
  path: StreamPath,
  count: number,
  onOpen: (socket: Socket) => Promise<unknown> = async () => {},
): Promise<Socket[]> {
  const sockets: Socket[] = []
  let begun = 0
  const work = async () => {
    while (begun++ < count) {
      const socket = await openStream(path)
      await onOpen(socket)
      sockets.push(socket)
    }
  }
  await Promise.all(Array.from({ length: OPENED_AT_A_TIME }, work))
  return sockets
}

/**
 * Requests the page of the pod's web server and waits for all of it.
 * @param isLast the connection is not used again
 * @returns when the first byte of the answer came, in ms of `performance.now()`
 */
export async function requestPage(socket: Socket, isLast: boolean): Promise<number> {
  socket.write(`GET / HTTP/1.1\r\nHost: pod\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`)
  socket.resume()
  let firstByteMs = Number.NaN
  let answer = ''
  for (;;) {
    const [chunk] = (await settled(socket, 'data')) as [Buffer]
    if (answer === '') firstByteMs = performance.now()
    answer += chunk.toString('latin1')
    const [, length, body] = ANSWER.exec(answer) ?? []
    if (body !== undefined && body.length === Number(length)) return firstByteMs
    if (answer.length > MAX_ANSWER_CHARACTERS)
      throw new Error(`the page was answered ${answer.split('\r\n')[0]}`)
  }
}

/** The event, or an error when the connection closes first. */
async function settled(socket: Socket, event: string): Promise<unknown[]> {
  const closing = new AbortController()
  const onClose = () => closing.abort()
  socket.once('close', onClose)
  try {
    return await once(socket, event, { signal: closing.signal })
  } catch (cause) {
    throw new Error(`closed before ${event}`, { cause })
  } finally {
    socket.off('close', onClose)
  }
}
