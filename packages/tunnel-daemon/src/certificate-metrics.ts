import type { CertificateFacts } from '@reversed-vpn/secure'
import { Gauge, type Registry } from 'prom-client'

/**
 * Tells when each certificate ends. Subject and serial number are of certificates that the daemon was given itself, never of a peer's.
 * @param sets read at each scrape: certificates by what they are for
 */
export function registerCertificateMetrics(
  registry: Registry,
  prefix: string,
  sets: () => ReadonlyMap<string, readonly CertificateFacts[]>,
): void {
  new Gauge({
    name: `${prefix}tls_certificate_not_after_seconds`,
    help: 'When a certificate in force ends, in seconds since the epoch.',
    labelNames: ['use', 'role', 'subject', 'serial'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [use, certificates] of sets()) {
        for (const { role, subject, serial, notAfterMs } of certificates)
          this.set({ use, role, subject, serial }, notAfterMs / 1000)
      }
    },
  })
}
