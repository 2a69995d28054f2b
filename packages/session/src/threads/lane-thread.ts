import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { duplicateSocketDescriptor } from '@reversed-vpn/node-tun'
import type { SecureTunnelOptions } from '../dial/dial-tunnel.js'
import type { GcPause } from './gc-pauses.js'
import type { FromThread, GivenConnection, ShownMaterial, ToThread } from './messages.js'
import { RemoteConnection } from './remote-connection.js'

/**
 * Most of what dies young are the handles of chunks, so that a small nursery is as fast as a large one. A thread whose old objects need more
 * than this holds on to what it should not: it ends, and its lanes are dialled again.
 */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 64 } as const

export interface LaneThreadEvents {
  /** The thread ended by itself. The next connection starts it anew. */
  onLost(error: Error): void
  /** What it has stood still for since it was last said. */
  onGcPauses(pauses: readonly GcPause[]): void
}

/** One thread beside the main one. Runs from the first connection that it is given until {@link close}. */
export class LaneThread {
  readonly #number: number
  readonly #events: LaneThreadEvents
  readonly #connections = new Map<number, RemoteConnection>()
  #worker: Worker | undefined
  #nextId = 1
  #shown: ShownMaterial['tls'] | undefined
  #isClosing = false

  /** @param number 1 or more */
  constructor(number: number, events: LaneThreadEvents) {
    this.#number = number
    this.#events = events
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  /** Connections that it has, lanes and others. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /**
   * Gives a connection that was accepted away; `socket` is destroyed.
   * @returns undefined when the thread cannot have it, for want of threads or descriptors: nothing has happened then
   */
  accept(socket: Socket, show: ShownMaterial): RemoteConnection | undefined {
    return this.#give(socket, (given) => {
      if (this.#shown !== show.tls) this.#post({ to: 'thread', show })
      this.#shown = show.tls
      return { to: 'accept', given }
    })
  }

  /** Gives a connection that was dialled away, as {@link accept} does. Before it is proven, the signal ends it. */
  dial(
    socket: Socket,
    { tls, peerName, sni }: SecureTunnelOptions,
    signal: AbortSignal,
  ): RemoteConnection | undefined {
    const connection = this.#give(socket, (given) => ({ to: 'dial', given, options: { tls, peerName, sni } }))
    if (connection === undefined) return undefined
    const onAbort = () => connection.abort(signal.reason as Error)
    const ignore = () => signal.removeEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    connection.proven.then(ignore, ignore)
    return connection
  }

  /** Ends the thread, and with it what connections it still has. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#worker?.terminate()
  }

  #give(socket: Socket, describe: (given: GivenConnection) => ToThread): RemoteConnection | undefined {
    const descriptor = this.#duplicate(socket)
    if (descriptor === undefined) return undefined
    const early: Buffer | null = socket.read()
    // The duplicate keeps the connection open.
    socket.destroy()
    const id = this.#nextId++
    const connection = new RemoteConnection(this.#number, descriptor, (order) =>
      this.#post({ to: id, order }),
    )
    this.#connections.set(id, connection)
    connection.once('close', () => this.#connections.delete(id))
    this.#post(describe({ id, descriptor, early: early ?? undefined, memory: connection.memory.buffer }))
    return connection
  }

  /** Once there is a thread to give it to. */
  #duplicate(socket: Socket): number | undefined {
    if (this.#isClosing) return undefined
    try {
      this.#worker ??= this.#start()
      return duplicateSocketDescriptor(socket)
    } catch {
      return undefined
    }
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message)
  }

  #start(): Worker {
    // Given on the command line it would count for every thread. This one has its nursery since it began.
    setFlagsFromString('--max-semi-space-size=0')
    const worker = new Worker(new URL('./thread-main.js', import.meta.url), {
      name: `lanes-${this.#number}`,
      env: {},
      resourceLimits: HEAP_LIMITS,
    })
    let cause: Error | undefined
    worker.on('message', (message: FromThread) => {
      if (message.from === 'thread') this.#events.onGcPauses(message.gcPauses)
      else this.#connections.get(message.from)?.onReport(message.report)
    })
    worker.on('error', (error) => {
      cause = error
    })
    worker.once('exit', (code) => this.#onExit(cause ?? new Error(`the thread ended with code ${code}`)))
    worker.unref()
    return worker
  }

  #onExit(error: Error): void {
    this.#worker = undefined
    this.#shown = undefined
    const connections = [...this.#connections.values()]
    if (!this.#isClosing) this.#events.onLost(error)
    for (const connection of connections) connection.onGone(error)
  }
}
