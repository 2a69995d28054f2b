import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Dashboard } from './dashboard.js'
import { REPOSITORY } from './source-tree.js'

interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Where what is deployed to observe lies. */
export const OBSERVABILITY_DIR = join(REPOSITORY, 'deploy', 'observability')
export const ALERTS_FILE = join(OBSERVABILITY_DIR, 'alerts.yaml')

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(OBSERVABILITY_DIR, 'dashboard.json'), 'utf8'))
}

export function readAlerts(): AlertRule[] {
  const { groups } = parse(readFileSync(ALERTS_FILE, 'utf8')) as { groups: { rules: AlertRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** The alerts that the tests of the rules see firing, and those they see silent. */
export function readTestedAlerts(): { readonly firing: Set<string>; readonly silent: Set<string> } {
  const { tests } = parse(readFileSync(join(OBSERVABILITY_DIR, 'alerts.test.yaml'), 'utf8')) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
  }
  const all = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  const namesOf = (isFiring: boolean) =>
    new Set(
      all.filter(({ exp_alerts }) => exp_alerts.length > 0 === isFiring).map(({ alertname }) => alertname),
    )
  return { firing: namesOf(true), silent: namesOf(false) }
}
