import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

const HEAD_END = '\r\n\r\n'

/** The bytes that kube-apiserver's dialler sends. */
export function connectRequest(target: string): string {
  return `CONNECT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
}

/** What a server answered instead of a stream. */
interface Answer {
  readonly status: number
  readonly phrase: string
  readonly fields: ReadonlyMap<string, string>
}

/** A client of the proxy that reads as kube-apiserver does: whatever comes in one read with the answer's head is an error. */
export class RawCaller {
  readonly socket: Socket
  #lastError: NodeJS.ErrnoException | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', (error) => {
      this.#lastError = error
    })
  }

  static async overTls(options: ConnectionOptions): Promise<RawCaller> {
    const socket = connectTls({ ...options, host: '127.0.0.1', allowHalfOpen: true } as ConnectionOptions)
    await once(socket, 'secureConnect')
    return new RawCaller(socket)
  }

  static async overUnix(path: string): Promise<RawCaller> {
    const socket = connect({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawCaller(socket)
  }

  get lastError(): NodeJS.ErrnoException | undefined {
    return this.#lastError
  }

  /** Sends bytes and reads the head of the answer to them. The socket is paused afterwards. */
  async ask(request: string | Buffer): Promise<Answer> {
    this.socket.write(request)
    return await this.readAnswer()
  }

  async readAnswer(): Promise<Answer> {
    let text = ''
    for (;;) {
      const chunk = await this.#nextRead()
      if (chunk === undefined) throw new Error(`closed instead of an answer, after ${JSON.stringify(text)}`)
      text += chunk.toString('latin1')
      const end = text.indexOf(HEAD_END)
      if (end < 0) continue
      if (end + HEAD_END.length < text.length) throw new Error('bytes follow the head in the same read')
      return parseAnswer(text.slice(0, end))
    }
  }

  /** Dials like kube-apiserver does. @throws unless the answer is 200 */
  async dial(target: string): Promise<void> {
    const answer = await this.ask(connectRequest(target))
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.phrase}`)
  }

  /** Everything until the far end's FIN. @throws the socket's error when there is none */
  async readAll(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of this.socket.iterator({ destroyOnReturn: false })) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** The next `bytes` bytes, or more when one read has more. */
  async readAtLeast(bytes: number): Promise<Buffer> {
    let read = Buffer.alloc(0)
    while (read.length < bytes) {
      const chunk = await this.#nextRead()
      if (chunk === undefined) throw new Error(`closed after ${read.length} of ${bytes} bytes`)
      read = Buffer.concat([read, chunk])
    }
    return read
  }

  /** Until the connection is gone: ended by both sides (this one follows the other) or broken. */
  async closed(): Promise<void> {
    const { socket } = this
    socket.resume()
    if (socket.readableEnded) socket.end()
    else socket.once('end', () => socket.end())
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  }

  /** One read: a TLS record, or what is in the kernel's buffer. Undefined at the end. */
  #nextRead(): Promise<Buffer | undefined> {
    const { socket } = this
    return new Promise((resolve, reject) => {
      const settle = () => {
        socket.pause()
        socket.off('data', onData).off('end', onEnd).off('close', onClose)
      }
      const onData = (chunk: Buffer) => {
        settle()
        resolve(chunk)
      }
      const onEnd = () => {
        settle()
        resolve(undefined)
      }
      const onClose = () => {
        settle()
        if (this.#lastError) reject(this.#lastError)
        else resolve(undefined)
      }
      if (socket.destroyed || socket.readableEnded) return onClose()
      socket.on('data', onData).on('end', onEnd).on('close', onClose)
      socket.resume()
    })
  }
}

function parseAnswer(head: string): Answer {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const match = /^HTTP\/1\.1 (\d{3}) (.+)$/.exec(statusLine)
  if (!match) throw new Error(`no status line: ${JSON.stringify(statusLine)}`)
  const fields = new Map(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]))
  return { status: Number(match[1]), phrase: match[2] ?? '', fields }
}

export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}
