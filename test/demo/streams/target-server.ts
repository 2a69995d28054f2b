import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { madeUpContent, Tally } from './content.js'

export const DIGEST_TRAILER = 'content-sha256'

/** What stands in the private network: says hello, sends as much as is asked for, and takes what it is sent. */
export class TargetServer implements AsyncDisposable {
  readonly #server: Server

  static async open(address: string): Promise<TargetServer> {
    const server = createServer((request, response) => {
      serve(request, response).catch(() => response.destroy())
    }).listen(0, address)
    await once(server, 'listening')
    return new TargetServer(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const tally = new Tally()
  if (request.method === 'PUT') {
    for await (const chunk of request) tally.add(chunk)
    response.end(JSON.stringify(tally.digest()))
    return
  }
  const bytes = Number(/^\/content\/(\d+)$/.exec(request.url ?? '')?.[1] ?? 0)
  if (bytes === 0) {
    response.end(`hello from ${request.socket.localAddress}`)
    return
  }
  response.setHeader('trailer', DIGEST_TRAILER)
  await pipeline(Readable.from(madeUpContent(bytes, tally)), response, { end: false })
  response.addTrailers({ [DIGEST_TRAILER]: tally.digest().sha256 })
  response.end()
}
