import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A server that keeps what each connection says, and says `greeting` itself. */
export class Backend implements AsyncDisposable {
  readonly #server: Server
  readonly #connections: Socket[] = []
  readonly #received: Buffer[][] = []
  #onChange: () => void = () => {}

  static async start(
    options: { readonly port?: number; readonly isHalfOpen?: boolean } = {},
  ): Promise<Backend> {
    const backend = new Backend(options.isHalfOpen ?? true)
    backend.#server.listen(options.port ?? 0, '127.0.0.1')
    await once(backend.#server, 'listening')
    return backend
  }

  private constructor(allowHalfOpen: boolean) {
    this.#server = createServer({ allowHalfOpen }, (socket) => {
      const chunks: Buffer[] = []
      this.#connections.push(socket)
      this.#received.push(chunks)
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        this.#onChange()
      })
      for (const event of ['end', 'close', 'error']) socket.on(event, () => this.#onChange())
      this.#onChange()
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get connections(): readonly Socket[] {
    return this.#connections
  }

  received(index = 0): Buffer {
    return Buffer.concat(this.#received[index] ?? [])
  }

  /** Resolves when `fits` holds, looked at after everything that happens here. */
  async until(fits: (backend: Backend) => boolean): Promise<void> {
    while (!fits(this)) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    this.#server.close()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}
