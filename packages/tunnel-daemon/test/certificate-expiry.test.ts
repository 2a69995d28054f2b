import type { CertificateFacts } from '@reversed-vpn/secure'
import { reportExpiry } from '@reversed-vpn/tunnel-daemon/testing'
import t from 'tap'

const DAY_MS = 86_400_000

/** One that lives from day 0 to that day. */
function certificate(name: string, endsAtDay: number): CertificateFacts {
  return {
    role: 'own',
    file: `/${name}.crt`,
    subject: `CN=${name}`,
    serial: '01',
    fingerprint: name,
    notBeforeMs: 0,
    notAfterMs: endsAtDay * DAY_MS,
  }
}

t.test('is logged as a warning, and as an error when it has expired', async (t) => {
  const lines: string[] = []
  const note = (level: string) => (fields: object, message: string) =>
    lines.push(`${level} ${message} ${Reflect.get(fields, 'daysLeft')} ${Reflect.get(fields, 'notAfter')}`)
  const report = reportExpiry({ warn: note('warn'), error: note('error') })
  report(certificate('a', 365), 6.5 * DAY_MS)
  report(certificate('a', 365), -1)
  t.same(lines, [
    'warn certificate expires soon 6 1971-01-01T00:00:00.000Z',
    'error certificate has expired undefined 1971-01-01T00:00:00.000Z',
  ])
})
