import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ShootCertificates } from '@reversed-vpn/test/lab'
import { type Digest, madeUpContent, Tally } from './content.js'
import { DIGEST_TRAILER } from './target-server.js'

interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What the egress proxy says to a CONNECT. */
interface Answer {
  readonly status: number
  /** The text beside the status. */
  readonly reason: string
  readonly socket: Socket
}

interface Transfer {
  readonly sent: Digest
  readonly received: Digest
}

/** Does what a kube-apiserver does: CONNECT, with its certificate, in a connection of its own each. */
export class EgressCaller {
  readonly #proxy: Endpoint
  readonly #tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }

  constructor(proxy: Endpoint, { egressCa, apiserver }: ShootCertificates) {
    this.#proxy = proxy
    this.#tls = {
      ca: readFileSync(egressCa.certFile),
      cert: readFileSync(apiserver.certFile),
      key: readFileSync(apiserver.keyFile),
    }
  }

  /** @param target host and port */
  connect(target: string): Promise<Answer> {
    const options = { ...this.#proxy, ...this.#tls, servername: 'localhost', agent: false }
    return new Promise((resolve, reject) => {
      httpsRequest({ ...options, method: 'CONNECT', path: target })
        .once('error', reject)
        .once('connect', ({ statusCode = 0, statusMessage = '' }, socket) => {
          socket.on('error', () => {})
          resolve({ status: statusCode, reason: statusMessage, socket })
        })
        .end()
    })
  }

  /** A connection to the target. @throws Error with what the proxy said instead */
  async open(target: string): Promise<Socket> {
    const { status, reason, socket } = await this.connect(target)
    if (status === 200) return socket
    socket.destroy()
    throw new Error(`CONNECT ${target}: ${status} ${reason}`)
  }

  /** What is refused: status and text. @throws Error when it is not */
  async refusal(target: string): Promise<{ readonly status: number; readonly reason: string }> {
    const { status, reason, socket } = await this.connect(target)
    socket.destroy()
    if (status === 200) throw new Error(`CONNECT ${target} was answered with 200`)
    return { status, reason }
  }

  async hello(target: string): Promise<string> {
    return helloOver(await this.open(target))
  }

  /** @param onBytes is told after each chunk how much there is so far */
  async download(
    target: string,
    bytes: number,
    onBytes: (bytes: number) => void = () => {},
  ): Promise<Transfer> {
    const response = await ask(await this.open(target), `/content/${bytes}`)
    const tally = new Tally()
    for await (const chunk of response) {
      tally.add(chunk)
      onBytes(tally.bytes)
    }
    return { sent: { bytes, sha256: response.trailers[DIGEST_TRAILER] ?? 'none' }, received: tally.digest() }
  }

  async upload(target: string, bytes: number): Promise<Transfer> {
    const tally = new Tally()
    const response = await ask(await this.open(target), '/', Readable.from(madeUpContent(bytes, tally)))
    return { sent: tally.digest(), received: JSON.parse(await textOf(response)) }
  }
}

/** What the target says over an open connection, which is closed then. */
export async function helloOver(socket: Socket): Promise<string> {
  return textOf(await ask(socket, '/'))
}

function ask(socket: Socket, path: string, body?: Readable): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'PUT'
    const request = httpRequest({ createConnection: () => socket, host: 'target', path, method })
    request.once('response', resolve).once('error', reject)
    if (body === undefined) request.end()
    else pipeline(body, request).catch(reject)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const part of response) text += part
  return text
}
