import type { Logger } from '@reversed-vpn/daemon'
import type { Direction, RequestOutcome } from './egress-metrics.js'
import type { StreamEnd } from './stream-end.js'

/** The line of one request in the access log. Filled in as the request goes on, and written once, at its end. */
export class AccessRecord {
  readonly #startedAtMs = performance.now()
  readonly #facts: { readonly caller: string; readonly source: string; readonly target: string }
  readonly #bytes: Record<Direction, number> = { toShoot: 0, toSeed: 0 }
  /** The address and port that were dialled. */
  address: string | undefined
  /** What carries it into the shoot. */
  carrier: 'tun' | 'stream' | undefined
  /** How its stream ended, where there was one. */
  end: StreamEnd | undefined
  heldMs = 0
  dialMs = 0

  constructor(facts: { caller: string; source: string; target: string }) {
    this.#facts = facts
  }

  addBytes(direction: Direction, bytes: number): void {
    this.#bytes[direction] += bytes
  }

  /** @param status the code the caller was answered with; 0 when it left before */
  write(logger: Logger, status: number, outcome: RequestOutcome, detail?: string): void {
    logger.info(
      {
        ...this.#facts,
        address: this.address,
        carrier: this.carrier,
        code: status,
        reason: outcome,
        detail,
        end: this.end,
        heldMs: Math.round(this.heldMs),
        dialMs: Math.round(this.dialMs),
        totalMs: Math.round(performance.now() - this.#startedAtMs),
        bytesToShoot: this.#bytes.toShoot,
        bytesToSeed: this.#bytes.toSeed,
      },
      'egress request',
    )
  }
}
