import type { Socket } from 'node:net'
import type { Caller } from './caller.js'

interface Entry {
  readonly caller: Caller
  headerTimer: NodeJS.Timeout | undefined
}

/** All admitted connections, from the end of the handshake until they are closed. */
export class CallerTable {
  readonly #entries = new Map<Socket, Entry>()
  readonly #headerTimeoutMs: number
  #onEmpty: (() => void) | undefined

  constructor(headerTimeoutMs: number) {
    this.#headerTimeoutMs = headerTimeoutMs
  }

  get size(): number {
    return this.#entries.size
  }

  /** @param onHeaderTimeout called when no request has come in time; `takeRequest` has been done for it */
  add(caller: Caller, onHeaderTimeout: () => void): void {
    const { socket } = caller
    const headerTimer = setTimeout(() => {
      if (this.takeRequest(socket)) onHeaderTimeout()
    }, this.#headerTimeoutMs)
    this.#entries.set(socket, { caller, headerTimer })
    socket.once('close', () => {
      clearTimeout(this.#entries.get(socket)?.headerTimer)
      this.#entries.delete(socket)
      if (this.#entries.size === 0) this.#onEmpty?.()
    })
  }

  /** The caller whose request this is, or undefined when it has had its one request already. */
  takeRequest(socket: Socket): Caller | undefined {
    const entry = this.#entries.get(socket)
    if (entry?.headerTimer === undefined) return undefined
    clearTimeout(entry.headerTimer)
    entry.headerTimer = undefined
    return entry.caller
  }

  /** Destroys the connections that no request has come on. */
  destroyIdle(): void {
    for (const { caller, headerTimer } of [...this.#entries.values()]) {
      if (headerTimer !== undefined) caller.socket.destroy()
    }
  }

  resetAll(): void {
    for (const { caller } of [...this.#entries.values()]) caller.reset()
  }

  /** Resolves when no connection is left. To be awaited by one. */
  whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#entries.size === 0) resolve()
      else this.#onEmpty = resolve
    })
  }
}
