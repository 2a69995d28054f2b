import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A TCP server in the place of a pod, half-open like the real ones. `await using` closes it with its connections. */
export class FarEnd {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly sources: string[] = []

  private constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      this.sources.push(socket.remoteAddress ?? '')
      socket.on('error', () => {})
      socket.once('close', () => this.#sockets.delete(socket))
      onConnection(socket)
    })
  }

  static async start(onConnection: (socket: Socket) => void, host = '127.0.0.1'): Promise<FarEnd> {
    const farEnd = new FarEnd(onConnection)
    farEnd.#server.listen(0, host)
    await once(farEnd.#server, 'listening')
    return farEnd
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
