import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Passes on connections of TCP, and can cut them. */
export class CutRelay implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()

  /** @param host where it listens, at a port of the kernel's choice */
  static async open(host: string, to: Endpoint): Promise<CutRelay> {
    const relay = new CutRelay(to)
    relay.#server.listen(0, host)
    await once(relay.#server, 'listening')
    return relay
  }

  private constructor(to: Endpoint) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#pass(socket, connect({ ...to, noDelay: true }))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets the oldest connections towards both ends, what is under way in them is lost. @returns how many that were */
  cut(most = Number.POSITIVE_INFINITY): number {
    const chosen = [...this.#pairs].slice(0, most)
    for (const socket of chosen.flat()) socket.resetAndDestroy()
    return chosen.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of [...this.#pairs].flat()) socket.destroy()
    await closed
  }

  #pass(...pair: readonly [Socket, Socket]): void {
    const [one, other] = pair
    this.#pairs.add(pair)
    for (const [socket, peer] of [pair, [other, one]] as const) {
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#pairs.delete(pair)
        peer.destroySoon()
      })
      socket.pipe(peer)
    }
  }
}
