import type { Socket } from 'node:net'
import { type JoinedEnd, resetConnection } from '@reversed-vpn/relay'

/** A connection that was admitted: who is on it, and how it is taken down. */
export interface Caller extends JoinedEnd {
  readonly socket: Socket
  /** From its certificate; `unix` on a Unix socket, where the file mode is the authorization. */
  readonly name: string
  /** Its address and port, or the path of the Unix socket. */
  readonly source: string
  /** Whether one write arrives as one read: true with TLS, whose records a reader gets one by one. */
  readonly hasRecords: boolean
}

/** @param transport the TCP socket beneath TLS; absent on a Unix socket, which knows no reset */
export function createCaller(
  socket: Socket,
  facts: { name: string; source: string; transport?: Socket | undefined },
): Caller {
  const { name, source, transport } = facts
  return {
    socket,
    name,
    source,
    hasRecords: transport !== undefined,
    reset() {
      if (transport) resetConnection(socket, transport)
      else socket.destroy()
    },
  }
}

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
    const entry: Entry = { caller, headerTimer }
    this.#entries.set(socket, entry)
    socket.once('close', () => {
      clearTimeout(entry.headerTimer)
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
