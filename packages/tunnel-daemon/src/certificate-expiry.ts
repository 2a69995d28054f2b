import type { Registry } from '@reversed-vpn/daemon'
import { type CertificateFacts, ExpiryWatch } from '@reversed-vpn/secure'
import { Gauge } from 'prom-client'

/** What of a logger is used. */
interface ExpiryLog {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const DAY_MS = 86_400_000

/**
 * Watches when certificates end: in the log, and as a metric that is read at each scrape. Subject and serial number are those of
 * certificates that this daemon was given itself, never of a peer's.
 */
export function watchExpiry(log: ExpiryLog, registry: Registry, prefix: string): ExpiryWatch {
  const expiry = new ExpiryWatch({ onNear: reportExpiry(log) })
  new Gauge({
    name: `${prefix}tls_certificate_not_after_seconds`,
    help: 'When a certificate in use expires, in seconds since the epoch.',
    labelNames: ['use', 'role', 'subject', 'serial'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [use, certificates] of expiry.sets) {
        for (const { role, subject, serial, notAfterMs } of certificates)
          this.set({ use, role, subject, serial }, notAfterMs / 1000)
      }
    },
  })
  return expiry
}

/** Logs what an `ExpiryWatch` finds. */
export function reportExpiry(log: ExpiryLog): (certificate: CertificateFacts, leftMs: number) => void {
  return ({ role, file, subject, serial, notAfterMs }, leftMs) => {
    const daysLeft = Math.floor(leftMs / DAY_MS)
    const fields = { role, file, subject, serial, notAfter: new Date(notAfterMs).toISOString() }
    const hasExpired = leftMs <= 0
    if (role === 'crl') {
      if (hasExpired) log.error(fields, 'revocation list has expired')
      else log.warn({ ...fields, daysLeft }, 'revocation list expires soon')
    } else if (hasExpired) log.error(fields, 'certificate has expired')
    else log.warn({ ...fields, daysLeft }, 'certificate expires soon')
  }
}
