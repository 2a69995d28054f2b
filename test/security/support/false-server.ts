import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Host, Lab, LabProcess } from '@reversed-vpn/test/lab'
import { HostilePeer } from './hostile-peer.js'

let servers = 0

/** A TLS server on a port of a host that lets everyone in, and leaves what is said there to the test. */
export class FalseServer implements AsyncDisposable {
  readonly #server: Server
  readonly #relay: LabProcess
  readonly #arrivals: EventEmitter
  readonly #waiting: HostilePeer[]

  static async start(lab: Lab, host: Host, port: number, options: TlsOptions): Promise<FalseServer> {
    const arrivals = new EventEmitter()
    const waiting: HostilePeer[] = []
    const server = createServer({ ...options, requestCert: true, rejectUnauthorized: false })
    server.on('secureConnection', (socket: TLSSocket) => {
      waiting.push(new HostilePeer(socket))
      arrivals.emit('peer')
    })
    server.on('tlsClientError', (error) => arrivals.emit('refused', error))
    const path = join(lab.dir, `false-server-${++servers}.sock`)
    server.listen(path)
    await once(server, 'listening')
    const relay = await host.spawn('socat', [`TCP-LISTEN:${port},fork,reuseaddr`, `UNIX-CONNECT:${path}`])
    await host.waitForPort(relay, port)
    return new FalseServer(server, relay, arrivals, waiting)
  }

  private constructor(server: Server, relay: LabProcess, arrivals: EventEmitter, waiting: HostilePeer[]) {
    this.#server = server
    this.#relay = relay
    this.#arrivals = arrivals
    this.#waiting = waiting
  }

  /** The next one who has come through the handshake. */
  async nextPeer(deadlineMs = 30_000): Promise<HostilePeer> {
    const signal = AbortSignal.timeout(deadlineMs)
    for (;;) {
      const peer = this.#waiting.shift()
      if (peer !== undefined) return peer
      await once(this.#arrivals, 'peer', { signal })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    await this.#relay.stop()
    for (const peer of this.#waiting) peer.destroy()
  }
}
