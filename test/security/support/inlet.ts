import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Host, Lab, LabProcess } from '@reversed-vpn/test/lab'

let inlets = 0

/** A way into a host of the lab: what is said here on a Unix socket is said there over TCP, from that host's address. */
export class Inlet implements AsyncDisposable {
  readonly #relay: LabProcess
  readonly #path: string

  /** @param target HOST:PORT, as the host knows it */
  static async to(lab: Lab, host: Host, target: string): Promise<Inlet> {
    const path = join(lab.dir, `inlet-${++inlets}.sock`)
    const relay = await host.spawn('socat', [`UNIX-LISTEN:${path},fork,mode=600`, `TCP:${target}`])
    await host.waitForUnixSocket(relay, path)
    return new Inlet(relay, path)
  }

  private constructor(relay: LabProcess, path: string) {
    this.#relay = relay
    this.#path = path
  }

  /** A connection of its own. */
  connect(): Socket {
    return connect(this.#path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay.stop()
  }
}

/** TLS through an inlet; whoever answers is taken as they are. @throws the error that ended the handshake */
export function dialTls(inlet: Inlet, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...options, socket: inlet.connect(), rejectUnauthorized: false })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}
