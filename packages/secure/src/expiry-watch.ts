import type { CertificateFacts } from './certificate-facts.js'

const DAY_MS = 86_400_000

/** Warnings are given so many days before a certificate expires. */
const EXPIRY_WARNINGS_DAYS = [30, 7, 1, 0] as const

/**
 * No warning while more than this share of a certificate's lifetime is left: one that lives for a day or a
 * month is renewed late in its life, and that is normal.
 */
const QUIET_SHARE = 1 / 3

/** Between two looks at the clock, at most: it may be set. */
const LOOK_INTERVAL_MS = 3_600_000

interface ExpiryWatchOptions {
  /** Once for each of the days above. `leftMs` is negative when the certificate has expired. */
  readonly onNear: (certificate: CertificateFacts, leftMs: number) => void
  /** @default Date.now */
  readonly nowMs?: () => number
  /** @default LOOK_INTERVAL_MS */
  readonly intervalMs?: number
}

/** Reports certificates that expire soon, once a threshold. Does not keep the process alive. */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions
  readonly #sets = new Map<string, readonly CertificateFacts[]>()
  /** The lowest threshold reported, by fingerprint. */
  readonly #warned = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ExpiryWatchOptions) {
    this.#options = options
    this.#look()
  }

  /** All sets that are watched, by what they are for. */
  get sets(): ReadonlyMap<string, readonly CertificateFacts[]> {
    return this.#sets
  }

  /** Watches these from now on, in place of those of the same use. Reports at once what expires soon. */
  set(use: string, certificates: readonly CertificateFacts[]): void {
    this.#sets.set(use, certificates)
    const known = new Set([...this.#sets.values()].flat().map(({ fingerprint }) => fingerprint))
    for (const fingerprint of this.#warned.keys())
      if (!known.has(fingerprint)) this.#warned.delete(fingerprint)
    this.#look()
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer)
  }

  /** Looks again when the next one ends, which is told at once. */
  #look(): void {
    const nowMs = this.#options.nowMs?.() ?? Date.now()
    let nextLookMs = this.#options.intervalMs ?? LOOK_INTERVAL_MS
    for (const certificate of [...this.#sets.values()].flat()) {
      const { fingerprint, notBeforeMs, notAfterMs } = certificate
      const leftMs = notAfterMs - nowMs
      if (leftMs > 0) nextLookMs = Math.min(nextLookMs, leftMs)
      if (leftMs > (notAfterMs - notBeforeMs) * QUIET_SHARE) continue
      const days = EXPIRY_WARNINGS_DAYS.findLast((threshold) => leftMs <= threshold * DAY_MS)
      if (days === undefined || days >= (this.#warned.get(fingerprint) ?? Number.POSITIVE_INFINITY)) continue
      this.#warned.set(fingerprint, days)
      this.#options.onNear(certificate, leftMs)
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), nextLookMs).unref()
  }
}
