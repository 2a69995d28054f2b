import type { CertificateFacts } from './certificate-facts.js'

const DAY_MS = 86_400_000

/** How long before its end a certificate is warned of, and again. */
const EXPIRY_WARNINGS_DAYS = [30, 7, 1, 0] as const

/**
 * A certificate with more than this share of its time left is not warned of: those that live for a day or a month are renewed
 * late, and nothing is wrong with them.
 */
const QUIET_SHARE = 1 / 3

/** Between two looks at the clock. */
const LOOK_INTERVAL_MS = 3_600_000

interface ExpiryWatchOptions {
  /** A certificate ends soon, or has ended (`leftMs` is negative then). Once for each of the days above. */
  readonly onNear: (certificate: CertificateFacts, leftMs: number) => void
  /** @default Date.now */
  readonly nowMs?: () => number
  /** @default LOOK_INTERVAL_MS */
  readonly intervalMs?: number
}

/** Tells of certificates that come to their end, each once a threshold. Does not keep the process alive. */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions
  readonly #sets = new Map<string, readonly CertificateFacts[]>()
  /** The lowest threshold that was told of, by fingerprint. */
  readonly #told = new Map<string, number>()
  readonly #timer: NodeJS.Timeout

  constructor(options: ExpiryWatchOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#look(), options.intervalMs ?? LOOK_INTERVAL_MS)
    this.#timer.unref()
  }

  /** All sets that are watched, by what they are for. */
  get sets(): ReadonlyMap<string, readonly CertificateFacts[]> {
    return this.#sets
  }

  /** Watches these from now on, in place of those that were there for the same use. Tells at once of what is near its end. */
  set(use: string, certificates: readonly CertificateFacts[]): void {
    this.#sets.set(use, certificates)
    const known = new Set([...this.#sets.values()].flat().map(({ fingerprint }) => fingerprint))
    for (const fingerprint of this.#told.keys()) if (!known.has(fingerprint)) this.#told.delete(fingerprint)
    this.#look()
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const nowMs = this.#options.nowMs?.() ?? Date.now()
    for (const certificate of [...this.#sets.values()].flat()) {
      const { fingerprint, notBeforeMs, notAfterMs } = certificate
      const leftMs = notAfterMs - nowMs
      if (leftMs > (notAfterMs - notBeforeMs) * QUIET_SHARE) continue
      const days = EXPIRY_WARNINGS_DAYS.findLast((threshold) => leftMs <= threshold * DAY_MS)
      if (days === undefined || days >= (this.#told.get(fingerprint) ?? Number.POSITIVE_INFINITY)) continue
      this.#told.set(fingerprint, days)
      this.#options.onNear(certificate, leftMs)
    }
  }
}
