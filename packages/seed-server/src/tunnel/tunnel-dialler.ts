import { EventEmitter, once } from 'node:events'
import { DialError } from '@reversed-vpn/secure'
import {
  type BackoffOptions,
  type Lane,
  LaneDialler,
  receiveHello,
  type Session,
} from '@reversed-vpn/session'
import type { PeerDialler, TunnelEvents } from '@reversed-vpn/tunnel-daemon'
import type { SessionTable } from './session-table.js'

interface TunnelDiallerOptions {
  readonly table: SessionTable
  readonly peer: PeerDialler
  readonly backoff: BackoffOptions
  readonly events: Pick<TunnelEvents, 'onDialFailed'>
}

/**
 * The other direction: dials a shoot-client that listens, and keeps as many lanes up as its HELLO asks for. What the table
 * does with a connection does not depend on who dialled it.
 */
export class TunnelDialler {
  readonly #options: TunnelDiallerOptions
  readonly #dialler: LaneDialler
  readonly #changed = new EventEmitter().setMaxListeners(0)
  /** Of slot 0: it says how many lanes are wanted. */
  #session: Session | undefined

  constructor(options: TunnelDiallerOptions) {
    this.#options = options
    this.#dialler = new LaneDialler({
      backoff: options.backoff,
      untilWanted: (slot, signal) => this.#untilWanted(slot, signal),
      bringUp: (slot, signal, held) => this.#connect(slot, signal, held),
      onFailed: (slot, error, waitMs) => options.events.onDialFailed(slot, error, waitMs),
    })
  }

  /** Starts to dial, and never gives up until {@link stop}. */
  start(): void {
    this.#dialler.keep(1)
  }

  /** Gives up the attempts under way, which began with certificates that are not trusted any more. */
  dialAnew(): void {
    this.#dialler.dialAnew()
  }

  /** Dials no more; lanes that are up stay. Idempotent. */
  stop(): Promise<void> {
    return this.#dialler.stop()
  }

  /** Slot 0 is always wanted; further ones once a session is up, as far as its shoot-client wants them. */
  async #untilWanted(slot: number, signal: AbortSignal): Promise<void> {
    if (slot === 0) return
    const { table } = this.#options
    await table.waitUntilUp(signal)
    while (slot >= (this.#session?.lanesWanted ?? 1)) {
      await once(this.#changed, 'session', { signal })
      await table.waitUntilUp(signal)
    }
  }

  /** Dial, HELLO, session, lane. */
  async #connect(slot: number, signal: AbortSignal, held: Lane | undefined): Promise<Lane> {
    const { frames, peer, remoteAddress } = await this.#options.peer.dial(signal)
    const hello = await receiveHello(frames, { signal }).finally(() => {
      if (signal.aborted) frames.abort()
    })
    signal.throwIfAborted()
    const { session, lane, refusal } = this.#options.table.accept(
      frames,
      hello,
      { ...peer, remoteAddress },
      { mustJoin: slot > 0, predecessor: held },
    )
    if (refusal !== undefined)
      throw new DialError('rejected', `rejected the shoot-client: ${refusal.code}, ${refusal.reason}`)
    if (slot === 0) this.#follow(session)
    return lane
  }

  #follow(session: Session): void {
    this.#session = session
    this.#dialler.keep(session.lanesWanted)
    this.#changed.emit('session')
  }
}
