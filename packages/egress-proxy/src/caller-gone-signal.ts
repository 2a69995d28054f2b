import type { Socket } from 'node:net'

/** Notices that a caller leaves before it has its answer. */
export class CallerGoneSignal {
  readonly #socket: Socket
  readonly #controller = new AbortController()
  readonly #onGone = () => this.#controller.abort()

  constructor(socket: Socket) {
    this.#socket = socket
    if (socket.destroyed) this.#onGone()
    socket.on('close', this.#onGone)
  }

  /** Aborts when the caller has left. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Whether the end of the caller's direction counts as leaving too. A full close looks the same from here until something
   * is written, so while a wait is long it does, provided the caller has said nothing that would want an answer.
   */
  countHalfClose(counts: boolean): void {
    this.#socket.off('end', this.#onGone)
    if (!counts) return
    this.#socket.on('end', this.#onGone)
    if (this.#socket.readableEnded) this.#onGone()
  }

  /** Stops watching: the answer is on its way. */
  stop(): void {
    this.countHalfClose(false)
    this.#socket.off('close', this.#onGone)
  }
}
