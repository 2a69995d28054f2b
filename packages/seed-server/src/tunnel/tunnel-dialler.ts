import { EventEmitter, once } from 'node:events'
import { DialError, type TlsMaterial } from '@reversed-vpn/secure'
import {
  type BackoffOptions,
  dialLane,
  type Lane,
  LaneDialler,
  receiveHello,
  type Transport,
} from '@reversed-vpn/session'
import type { SessionTable } from './session-table.js'

export interface TunnelDiallerOptions {
  readonly table: SessionTable
  readonly transport: Transport
  /** Asked for with every dial. */
  readonly tls: () => TlsMaterial
  /** The name that the shoot-client's certificate has to carry. */
  readonly peerName: string
  /** The TLS server name sent; never an IP address. */
  readonly sni: string
  readonly deadAfterMs: number
  /** `TCP_CONGESTION`, the kernel's default when absent. */
  readonly congestion?: string | undefined
  readonly lanesMax: number
  readonly backoff: BackoffOptions
  readonly onFailed: (slot: number, error: DialError, waitMs: number) => void
}

/**
 * The other direction: dials a shoot-client that listens, and keeps as many lanes up as its HELLO asks for. What the table does with
 * a connection does not depend on who dialled it.
 */
export class TunnelDialler {
  readonly #options: TunnelDiallerOptions
  readonly #dialler: LaneDialler
  readonly #changed = new EventEmitter().setMaxListeners(0)
  #lanes = 1

  constructor(options: TunnelDiallerOptions) {
    this.#options = options
    const { backoff, onFailed } = options
    this.#dialler = new LaneDialler({
      backoff,
      untilWanted: (slot, signal) => this.#untilWanted(slot, signal),
      bringUp: (slot, signal, held) => this.#bringUp(slot, signal, held),
      onFailed,
    })
  }

  /** Begins to dial, and never gives up until {@link stop}. */
  start(): void {
    this.#dialler.keep(1)
  }

  /** Gives up the attempts under way, which began with certificates that do not count any more. */
  dialAnew(): void {
    this.#dialler.dialAnew()
  }

  /** Dials no more; lanes that are up stay. Idempotent. */
  stop(): Promise<void> {
    return this.#dialler.stop()
  }

  /** Slot 0 is always wanted; those beyond it once there is a session, as far as its shoot-client wants them. */
  async #untilWanted(slot: number, signal: AbortSignal): Promise<void> {
    if (slot === 0) return
    await this.#options.table.waitUntilUp(signal)
    while (slot >= this.#lanes) {
      await once(this.#changed, 'lanes', { signal })
      await this.#options.table.waitUntilUp(signal)
    }
  }

  async #bringUp(slot: number, signal: AbortSignal, held: Lane | undefined): Promise<Lane> {
    const { table, transport, tls, peerName, sni, deadAfterMs, congestion } = this.#options
    const { frames, peer, remoteAddress } = await dialLane(
      { transport, tls: tls(), peerName, sni, deadAfterMs, congestion },
      signal,
    )
    const hello = await receiveHello(frames)
    if (signal.aborted) frames.abort()
    signal.throwIfAborted()
    const { lane, refusal } = table.accept(
      frames,
      hello,
      { ...peer, remoteAddress },
      { mustJoin: slot > 0, predecessor: held },
    )
    if (refusal !== undefined) {
      throw new DialError('rejected', `refused the shoot-client: ${refusal.code}, ${refusal.reason}`)
    }
    if (slot === 0) this.#want(Math.min(hello.lanes ?? 1, this.#options.lanesMax))
    return lane
  }

  #want(lanes: number): void {
    this.#lanes = lanes
    this.#dialler.keep(lanes)
    this.#changed.emit('lanes')
  }
}
