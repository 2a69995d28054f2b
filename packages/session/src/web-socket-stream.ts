import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** The longest message taken, in bytes: a peer's write into its TLS stream never makes a longer one. */
export const MAX_WEB_SOCKET_MESSAGE_BYTES = 1_048_576

/**
 * The byte stream inside a WebSocket. Each write is a binary message; message boundaries have no meaning. The
 * stream owns the WebSocket. Both directions end at once: a WebSocket has no half-close.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket

  /** @param socket open, and nothing of it read yet */
  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    // A peer can break it before anybody uses it. Whoever does learns of its end from `close`.
    this.on('error', () => {})
    socket.binaryType = 'nodebuffer'
    socket.on('message', (data, isBinary) => {
      if (!isBinary) this.destroy(new Error('a text message, where only binary ones belong'))
      else if (!this.push(data)) socket.pause()
    })
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => {
      this.push(null)
      // Nobody reads what would still be written.
      this.destroy()
    })
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(chunk, { binary: true }, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What was written before the end must still leave; after an error nothing must.
    if (error !== null || !this.writableFinished) this.#socket.terminate()
    done(error)
  }
}
