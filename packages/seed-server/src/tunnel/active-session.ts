import { EventEmitter, once } from 'node:events'
import { FlowLedger, type Session } from '@reversed-vpn/session'

/** The session that packets to the shoot use. One that takes over has the one before drain. */
export class ActiveSession {
  readonly #changed = new EventEmitter().setMaxListeners(0)
  readonly #flows = new FlowLedger<Session>()
  #session: Session | undefined

  get current(): Session | undefined {
    return this.#session
  }

  /** Whether packets can be sent to the shoot now. */
  get isUp(): boolean {
    return this.#session?.isSending ?? false
  }

  /** Resolves as soon as {@link isUp}; rejects with the signal's reason. */
  async waitUntilUp(signal: AbortSignal): Promise<void> {
    while (!this.isUp) {
      await once(this.#changed, 'ready', { signal }).catch(() => signal.throwIfAborted())
    }
  }

  /**
   * Has a session take over.
   * @param drainTimeoutMs how long the one before may still bring packets
   * @returns the one before
   */
  replace(session: Session, drainTimeoutMs: number): Session | undefined {
    const previous = this.#session
    previous?.drain('superseded', { closeAfterMs: drainTimeoutMs })
    this.#session = session
    this.#flows.add(session)
    this.#redirectFlows()
    session.activate()
    return previous
  }

  /** To be called when a lane of any session is ready. */
  onLaneReady(): void {
    if (this.isUp) this.#changed.emit('ready')
  }

  /** A session is gone, whether it was the active one or not. */
  remove(session: Session): void {
    this.#flows.delete(session)
    this.#redirectFlows()
    if (this.#session === session) this.#session = undefined
  }

  /** While a session drains, connections that it opened stay on it; the active session's lanes read for both. */
  #redirectFlows(): void {
    const flows = this.#flows
    this.#session?.setRedirector(
      flows.isKept
        ? (bytes, payloadOffset, payloadBytes) => {
            const older = flows.olderOwnerOf(bytes, payloadOffset)
            older?.sendPayload(bytes.subarray(payloadOffset, payloadOffset + payloadBytes))
            return older !== undefined
          }
        : undefined,
    )
  }
}
