import {
  decideDirection,
  parseBool,
  parseVersion,
  resolveFeatureGates,
} from '@reversed-vpn/kubernetes/testing'
import t from 'tap'

interface Row {
  readonly gates?: Parameters<typeof resolveFeatureGates>[0]
  readonly version: string
  /** Of Gardener. @default '1.41', the last that has the gate ReversedVPN off */
  readonly gardener?: string
  readonly annotation?: string
  readonly isReversed: boolean | undefined
  readonly reason?: string
  readonly warning?: RegExp
}

const ON = { ReversedVPN: true }
const NO_SNI = { APIServerSNI: false }

const ROWS: readonly Row[] = [
  { version: '1.30', isReversed: false, reason: 'feature-gate' },
  { gates: ON, version: '1.30', isReversed: true, reason: 'feature-gate' },
  { gates: ON, version: '1.18.0', isReversed: true, reason: 'feature-gate' },
  { gates: ON, version: 'v1.18.0-rc.1', isReversed: true, reason: 'feature-gate' },
  { gates: ON, version: '1.17.17', isReversed: false, reason: 'kubernetes-version' },
  { gates: ON, version: '1.9', isReversed: false, reason: 'kubernetes-version' },
  { gates: ON, version: '2.0', isReversed: true, reason: 'feature-gate' },
  { version: '1.30', annotation: 'true', isReversed: true, reason: 'annotation' },
  { gates: ON, version: '1.30', annotation: 'false', isReversed: false, reason: 'annotation' },
  { version: '1.30', annotation: '1', isReversed: true, reason: 'annotation' },
  { gates: ON, version: '1.30', annotation: 'F', isReversed: false, reason: 'annotation' },
  {
    version: '1.17.0',
    annotation: 'true',
    isReversed: false,
    reason: 'kubernetes-version',
    warning: /needs Kubernetes 1\.18/,
  },
  {
    gates: ON,
    version: '1.30',
    annotation: 'yes',
    isReversed: true,
    reason: 'feature-gate',
    warning: /value is "yes"/,
  },
  {
    gates: ON,
    version: '1.30',
    annotation: ' true',
    isReversed: true,
    reason: 'feature-gate',
    warning: /" true"/,
  },
  { version: '1.30', annotation: '', isReversed: false, reason: 'feature-gate', warning: /value is ""/ },
  {
    gates: NO_SNI,
    version: '1.30',
    annotation: 'true',
    isReversed: false,
    reason: 'feature-gate',
    warning: /needs the gate APIServerSNI/,
  },
  {
    gardener: '1.26',
    gates: { KonnectivityTunnel: true },
    version: '1.30',
    annotation: 'true',
    isReversed: true,
    reason: 'annotation',
  },
  {
    gardener: '1.26',
    gates: { KonnectivityTunnel: true },
    version: '1.30',
    isReversed: false,
    reason: 'feature-gate',
  },
  { gardener: '1.42', version: '1.30', isReversed: true, reason: 'feature-gate' },
  { gardener: '1.42', version: '1.17', isReversed: false, reason: 'kubernetes-version' },
  {
    gardener: '1.42',
    gates: { ReversedVPN: false },
    version: '1.30',
    isReversed: false,
    reason: 'feature-gate',
  },
  { gardener: '1.62', version: '1.30', annotation: 'false', isReversed: false, reason: 'annotation' },
  { gardener: '1.63', version: '1.30', isReversed: true, reason: 'gardener-version' },
  { gardener: '1.69', gates: ON, version: '1.30', isReversed: true, reason: 'gardener-version' },
  { gardener: '1.150', version: '1.34', isReversed: true, reason: 'gardener-version' },
  { gardener: '2.0', version: '1.34', isReversed: true, reason: 'gardener-version' },
  {
    gardener: '1.70',
    version: '1.30',
    annotation: 'false',
    isReversed: true,
    reason: 'gardener-version',
    warning: /no other direction/,
  },
  { gardener: '', version: '1.30', isReversed: undefined },
  { gardener: '', version: '1.30', annotation: 'false', isReversed: undefined },
  { gardener: '', gates: NO_SNI, version: '1.30', annotation: 'true', isReversed: undefined },
  { gardener: '', version: '1.30', annotation: 'true', isReversed: true, reason: 'annotation' },
  { gardener: '', version: '1.17', isReversed: false, reason: 'kubernetes-version' },
  { gardener: '', gates: ON, version: '1.30', isReversed: true, reason: 'feature-gate' },
  { gardener: '', gates: { ReversedVPN: false }, version: '1.30', isReversed: false, reason: 'feature-gate' },
]

for (const { gates = {}, version, gardener = '1.41', annotation, isReversed, reason, warning } of ROWS) {
  const title = `${JSON.stringify(gates)} in Gardener ${gardener || '?'} with Kubernetes ${version} and annotation ${annotation}: ${isReversed}, ${reason}`
  t.test(title, async (t) => {
    const kubernetesVersion = parseVersion(version)
    if (kubernetesVersion === undefined) throw new Error(`${version} is no version`)
    const decision = decideDirection({
      gates: resolveFeatureGates(gates, parseVersion(gardener)),
      kubernetesVersion,
      annotation,
    })
    if (isReversed === undefined) return t.equal(decision, undefined)
    if (decision === undefined) return t.fail('nobody dials')
    t.equal(decision.isReversed, isReversed)
    t.equal(decision.reason, reason)
    t.match(decision.explanation, isReversed ? /^the shoot dials: ./ : /^the seed dials: ./)
    if (warning === undefined) t.same(decision.warnings, [])
    else t.match(decision.warnings.join('\n'), warning)
  })
}

t.test('reads as a boolean what Go reads', async (t) => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) t.equal(parseBool(text), true, text)
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) t.equal(parseBool(text), false, text)
})

t.test('reads nothing else as a boolean', async (t) => {
  for (const text of ['', ' ', 'yes', 'no', 'on', 'tRUE', 'true ', '\ttrue', '01', '2', 'null'])
    t.equal(parseBool(text), undefined, JSON.stringify(text))
})
