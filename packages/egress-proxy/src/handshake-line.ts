import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'

export interface HandshakeLineOptions {
  /** Handshakes that run at a time. Each holds some 60 KB. */
  readonly maxRunning: number
  /** Connections that wait for theirs. One more drops the oldest. */
  readonly maxWaiting: number
  /** A handshake that runs for longer makes way when others wait. */
  readonly overdueMs: number
  /** A connection that waits for longer is dropped. */
  readonly timeoutMs: number
  /** Begins the handshake of a connection, of which nothing was read. */
  readonly begin: (socket: Socket) => void
  /** Told of every connection that is dropped for others, or has waited too long. */
  readonly onDropped: (socket: Socket) => void
}

/**
 * Connections from their acceptance to the end of their TLS handshake:
 *
 *     accepted ──▶ waiting ──begin──▶ running ──leave──▶ a caller
 *                     │ too many, too long    │ overdue, and others wait
 *                     └────────▶ dropped ◀────┘
 *
 * What waits costs a descriptor and little more, so thousands of callers may come at once; a flood of those that never finish is
 * bounded in memory. The newest goes first: under a flood whoever comes is served within `overdueMs`.
 */
export class HandshakeLine {
  readonly #options: HandshakeLineOptions
  /** The oldest first. */
  readonly #waiting = new Set<Socket>()
  /** When each has begun, in ms of `performance.now()`; the oldest first. */
  readonly #running = new Map<Socket, number>()
  readonly #dropped = new WeakSet<Socket>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: HandshakeLineOptions) {
    this.#options = options
  }

  /** Takes a connection that is paused. Its errors are swallowed from here on. */
  enter(socket: Socket): void {
    const { maxWaiting, timeoutMs } = this.#options
    // Without a listener an error before TLS has taken over would end the process.
    socket.on('error', () => {})
    socket.once('close', () => this.leave(socket))
    socket.setTimeout(timeoutMs, () => this.#drop(socket))
    this.#waiting.add(socket)
    this.#advance()
    const [oldest] = this.#waiting
    if (oldest !== undefined && this.#waiting.size > maxWaiting) this.#drop(oldest)
  }

  /** Its handshake is over. Idempotent. */
  leave(socket: Socket): void {
    this.#waiting.delete(socket)
    if (this.#running.delete(socket)) this.#advance()
  }

  /** Whether it was dropped, so that its end is told already. */
  isDropped(socket: Socket): boolean {
    return this.#dropped.has(socket)
  }

  /** Cuts all. */
  destroyAll(): void {
    clearTimeout(this.#timer)
    for (const socket of [...this.#waiting, ...this.#running.keys()]) {
      this.#dropped.add(socket)
      socket.destroy()
    }
  }

  #advance(): void {
    const { maxRunning, overdueMs, begin } = this.#options
    while (this.#waiting.size > 0) {
      if (this.#running.size >= maxRunning) {
        const [oldest, begunAtMs] = this.#running.entries().next().value as [Socket, number]
        const leftMs = begunAtMs + overdueMs - performance.now()
        if (leftMs > 0) {
          this.#timer ??= setTimeout(() => this.#onTimer(), Math.ceil(leftMs))
          return
        }
        this.#drop(oldest)
        continue
      }
      const next = this.#takeNewest()
      this.#running.set(next, performance.now())
      begin(next)
    }
  }

  #onTimer(): void {
    this.#timer = undefined
    this.#advance()
  }

  #takeNewest(): Socket {
    // A set has no end to take from, but a line is seldom long.
    const newest = [...this.#waiting].at(-1) as Socket
    this.#waiting.delete(newest)
    newest.setTimeout(0)
    return newest
  }

  #drop(socket: Socket): void {
    this.#waiting.delete(socket)
    this.#running.delete(socket)
    this.#dropped.add(socket)
    this.#options.onDropped(socket)
    socket.destroy()
  }
}

/** How many connections may wait: what this process may open leaves room for the tunnel and for streams. */
export function roomForWaiting(max: number): number {
  const [, limit = ''] =
    /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
  return limit === 'unlimited' ? max : Math.min(max, Math.floor(Number(limit) / 2))
}
