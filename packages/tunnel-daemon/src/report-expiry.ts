import type { CertificateFacts } from '@reversed-vpn/secure'

/** What of a logger is used. */
export interface ExpiryLog {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const DAY_MS = 86_400_000

/** Logs what an `ExpiryWatch` tells. */
export function reportExpiry(log: ExpiryLog): (certificate: CertificateFacts, leftMs: number) => void {
  return ({ role, file, subject, serial, notAfterMs }, leftMs) => {
    const daysLeft = Math.floor(leftMs / DAY_MS)
    const fields = { role, file, subject, serial, notAfter: new Date(notAfterMs).toISOString() }
    if (leftMs <= 0) log.error(fields, 'certificate has ended')
    else log.warn({ ...fields, daysLeft }, 'certificate ends soon')
  }
}
