import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

const HEAD_END = '\r\n\r\n'

/** How an EgressSelectorConfiguration names the proxy: `https://HOST:PORT` with a certificate, or a Unix socket. */
export type ProxyWay =
  | { readonly type: 'tls'; readonly options: ConnectionOptions }
  | { readonly type: 'unix'; readonly path: string }

/**
 * kube-apiserver's dialler for `proxyProtocol: HTTPConnect`: a connection of its own for each dial, the same bytes, and as
 * little patience with the answer. What belongs to the status line is all it reads of one that is not 200, and there is no
 * deadline.
 *
 * @returns the connection, paused: the next byte is the target's
 * @throws Error with the code and reason phrase of a refusal, or with what was wrong with the answer
 */
export async function dialAsKubeApiserver(proxy: ProxyWay, target: string): Promise<Socket> {
  const socket = await open(proxy)
  try {
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
    const head = await readHead(socket)
    const [, status, phrase] = /^HTTP\/1\.[01] (\d{3}) ([^\r]*)\r\n/.exec(head) ?? []
    if (status === undefined) throw new Error(`no HTTP: ${JSON.stringify(head)}`)
    if (status !== '200') throw new Error(`${status} ${phrase}`)
    const excess = head.length - head.indexOf(HEAD_END) - HEAD_END.length
    if (excess > 0) throw new Error(`unexpected ${excess} bytes of buffered data`)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function open(proxy: ProxyWay): Promise<Socket> {
  const socket = proxy.type === 'tls' ? connectTls(proxy.options) : connect(proxy.path)
  await settled(socket, proxy.type === 'tls' ? 'secureConnect' : 'connect')
  return socket
}

/** Reads until the empty line is there: the head, and what came along with its end. */
async function readHead(socket: Socket): Promise<string> {
  let text = ''
  while (!text.includes(HEAD_END)) text += (await readOnce(socket)).toString('latin1')
  return text
}

/** One read: a TLS record, or what is in the kernel's buffer. The socket is paused afterwards. */
export async function readOnce(socket: Socket): Promise<Buffer> {
  const read = settled(socket, 'data')
  socket.resume()
  const [chunk] = (await read) as [Buffer]
  return chunk
}

/** What the event brings; by then the socket is paused. @throws when the connection ends or breaks first */
function settled(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const forget = () => {
      socket.pause()
      socket.off(event, onEvent).off('error', onError).off('end', onEnd)
      // One that breaks between two reads says so at the next.
      socket.on('error', () => {})
    }
    const onEvent = (...what: unknown[]) => {
      forget()
      resolve(what)
    }
    const onError = (error: Error) => {
      forget()
      reject(error)
    }
    const onEnd = () => onError(new Error(`closed before ${event}`))
    socket.on(event, onEvent).on('error', onError).on('end', onEnd)
  })
}
