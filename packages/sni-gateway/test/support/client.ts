import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that says what it is told to, byte for byte, and keeps what it hears. */
export class Client implements AsyncDisposable {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  #onChange: () => void = () => {}

  static async open(port: number, localAddress?: string): Promise<Client> {
    const socket = connect({
      port,
      host: '127.0.0.1',
      allowHalfOpen: true,
      ...(localAddress && { localAddress }),
    })
    socket.setNoDelay(true)
    await once(socket, 'connect')
    return new Client(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    for (const event of ['data', 'end', 'close', 'error']) socket.on(event, () => this.#onChange())
  }

  get heard(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  say(bytes: Buffer | string): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()))
  }

  async sayByteByByte(bytes: Buffer): Promise<void> {
    for (const byte of bytes) await this.say(Buffer.from([byte]))
  }

  async until(fits: (client: Client) => boolean): Promise<void> {
    while (!fits(this)) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve
      })
    }
  }

  /** All that was said to it until the other end had no more to say. */
  async toTheEnd(): Promise<string> {
    await this.until(({ socket }) => socket.readableEnded || socket.destroyed)
    return this.heard.toString('latin1')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }
}
