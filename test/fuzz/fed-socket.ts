import { Duplex } from 'node:stream'

/** A connection whose client has said all it has to say, in the chunks given, and reads what it is answered. */
export class FedSocket extends Duplex {
  readonly #chunks: Buffer[]
  readonly #answer: Buffer[] = []
  // What HTTP servers and connections ask of a socket.
  readonly remoteAddress = '203.0.113.7'
  readonly remotePort = 40_000
  readonly localAddress = '192.0.2.1'
  readonly localPort = 443

  constructor(chunks: readonly Buffer[]) {
    super({ allowHalfOpen: true })
    // An empty chunk would be no chunk, and nothing would be asked for after it.
    this.#chunks = chunks.filter(({ length }) => length > 0)
  }

  /** All that was written. */
  get answer(): Buffer {
    return Buffer.concat(this.#answer)
  }

  override _read(): void {
    this.push(this.#chunks.shift() ?? null)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#answer.push(Buffer.from(chunk))
    callback()
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  destroySoon(): void {
    this.destroy()
  }
}
