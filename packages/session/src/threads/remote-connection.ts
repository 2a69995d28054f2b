import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { adoptTunQueue } from '@reversed-vpn/node-tun'
import { type ControlMessage, TunnelError } from '@reversed-vpn/protocol'
import type { RefusalReason } from '../listen/refusal-reason.js'
import type { ProvenPeer } from '../listen/tls-door.js'
import { LaneMemory } from './lane-memory.js'
import type { ConnectionOrder, ConnectionReport } from './messages.js'
import { RemoteLane, type RemoteLaneParts } from './remote-lane.js'
import { unpackError } from './transferred-error.js'

/** Why a connection on another thread did not come to a peer that proved who it is. */
export class RefusedElsewhereError extends Error {
  override readonly name = 'RefusedElsewhereError'
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

interface Waiter {
  resolve(message: ControlMessage): void
  reject(error: Error): void
}

/**
 * A connection whose TLS, and all above it, runs on another thread. What is said in its handshake is said and heard here. Emits
 * `close` once it is gone.
 *
 *     given away ──▶ proven ──nextControl, sendControl──▶ createLane ──▶ gone
 *          └──────────────┴──────── refused, failed, closed, thread gone ──▲
 */
export class RemoteConnection extends EventEmitter {
  /** Settles when it is known who is at the other end. Rejects with what `secureTunnel` throws, or a RefusedElsewhereError. */
  readonly proven: Promise<ProvenPeer>
  readonly memory = new LaneMemory()
  readonly #thread: number
  readonly #descriptor: number
  readonly #send: (order: ConnectionOrder) => void
  #resolveProven: (peer: ProvenPeer) => void = () => {}
  #rejectProven: (error: Error) => void = () => {}
  /** What the peer said before the connection closed, and nobody has asked for. */
  readonly #inbox: ControlMessage[] = []
  #waiter: Waiter | undefined
  #lane: RemoteLane | undefined
  #isEnding = false
  #isGone = false
  #error: Error | undefined
  /** Why nothing more is heard. */
  #unheard: Error | undefined

  /** @param descriptor the thread's to take; closed here if it never does */
  constructor(thread: number, descriptor: number, send: (order: ConnectionOrder) => void) {
    super()
    this.#thread = thread
    this.#descriptor = descriptor
    this.#send = (order) => {
      if (!this.#isGone) send(order)
    }
    this.proven = new Promise((resolve, reject) => {
      this.#resolveProven = resolve
      this.#rejectProven = reject
    })
    // Who does not wait any more has been told otherwise.
    this.proven.catch(() => {})
  }

  get destroyed(): boolean {
    return this.#isGone || this.#error !== undefined
  }

  /** Whether {@link end} was called: what was written may still leave. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** As of `FrameStream`. @returns false when the connection is gone, or ending */
  sendControl(message: ControlMessage): boolean {
    if (this.destroyed || this.#isEnding) return false
    this.#send({ do: 'say', message })
    return true
  }

  /** As of `FrameStream`. */
  nextControl(signal: AbortSignal): Promise<ControlMessage> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const onAbort = () => settle(() => reject(signal.reason as Error))
      const settle = (conclude: () => void) => {
        this.#waiter = undefined
        signal.removeEventListener('abort', onAbort)
        conclude()
      }
      this.#waiter = {
        resolve: (message) => settle(() => resolve(message)),
        reject: (error) => settle(() => reject(error)),
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const message = this.#inbox.shift()
      if (message !== undefined) this.#waiter.resolve(message)
      else if (this.destroyed) this.#waiter.reject(this.#error ?? closedError())
      else this.#send({ do: 'hear' })
    })
  }

  /** Sends what was written, then ends. Idempotent. */
  end(): void {
    this.#isEnding = true
    this.#send({ do: 'end' })
  }

  /** Cuts the connection. Unsent data is lost. */
  abort(error: Error = closedError()): void {
    if (this.destroyed) return
    this.#error = error
    this.#send({ do: 'abort' })
    this.#fail(error)
  }

  destroy(error?: Error): void {
    this.abort(error)
  }

  /** @throws TunError when there is no descriptor for its queue; the connection is cut then */
  createLane(parts: RemoteLaneParts): RemoteLane {
    try {
      const lane = new RemoteLane({
        ...parts,
        thread: this.#thread,
        memory: this.memory,
        send: this.#send,
      })
      this.#lane = lane
      if (this.#isGone) this.#takeBack()
      if (this.destroyed) queueMicrotask(() => lane.onGone(this.#error))
      return lane
    } catch (error) {
      this.abort(error as Error)
      throw error
    }
  }

  /** Takes what its thread tells. */
  onReport(report: ConnectionReport): void {
    switch (report.is) {
      case 'proven':
        this.#resolveProven(report.peer)
        return
      case 'refused':
        this.#rejectProven(new RefusedElsewhereError(report.reason, report.detail))
        return
      case 'failed':
        this.#rejectProven(unpackError(report.error))
        return
      case 'heard':
        if (this.#waiter === undefined) this.#inbox.push(report.message)
        else this.#waiter.resolve(report.message)
        return
      case 'unheard':
        this.#unheard = unpackError(report.error)
        this.#waiter?.reject(this.#unheard)
        return
      case 'gone':
        this.onGone(undefined)
        return
      default:
        this.#lane?.onReport(report)
    }
  }

  /** Nothing will be heard of it any more. @param error why its thread is gone, where it is */
  onGone(error: Error | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#error ??= error ?? this.#unheard
    this.#takeBack()
    this.#fail(this.#error ?? closedError())
    this.#lane?.onGone(this.#error)
    this.emit('close')
  }

  #fail(error: Error): void {
    this.#rejectProven(error)
    this.#waiter?.reject(error)
  }

  /** What the thread did not come to take is nobody's. */
  #takeBack(): void {
    if (this.memory.claim('connection')) new Socket({ fd: this.#descriptor }).destroy()
    if (this.#lane !== undefined && this.memory.claim('queue'))
      adoptTunQueue(this.#lane.queueDescriptor).close()
  }
}

function closedError(): TunnelError {
  return new TunnelError('ERR_PEER_CLOSED', 'the connection was closed during the handshake')
}
