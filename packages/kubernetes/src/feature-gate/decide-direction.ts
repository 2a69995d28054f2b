import type { FeatureGates } from './feature-gates.js'
import { formatVersion, isAtLeast, type Version } from './version.js'

/** The annotation that overrides the seed's gate for one shoot. */
export const REVERSED_VPN_ANNOTATION = 'alpha.featuregates.shoot.gardener.cloud/reversed-vpn'

/** What decided. */
type DirectionReason =
  | 'kubernetes-version'
  | 'gardener-version'
  | 'annotation'
  | 'feature-gate'
  | 'cluster-file'

/** Who dials: the shoot (`isReversed`), or the seed. */
export interface DirectionDecision {
  readonly isReversed: boolean
  readonly reason: DirectionReason
  /** One sentence for a person. */
  readonly explanation: string
  /** What was given and has no effect, one sentence each. */
  readonly warnings: readonly string[]
}

interface DirectionInput {
  /** Checked by `resolveFeatureGates`. */
  readonly gates: FeatureGates
  readonly kubernetesVersion: Version
  /** The annotation's text, undefined when the shoot has none. */
  readonly annotation: string | undefined
}

/**
 * Decides who dials for one shoot. Before Kubernetes 1.18 there is no egress selector, so the seed dials whatever else is
 * set. From 1.18 on the annotation decides if the gate APIServerSNI is on; otherwise the gate ReversedVPN does. Where
 * Gardener has no gate any more, the shoot dials.
 *
 * @returns undefined when that depends on the version of Gardener, which is not known
 */
export function decideDirection({
  gates,
  kubernetesVersion,
  annotation,
}: DirectionInput): DirectionDecision | undefined {
  const { value, warnings } = readAnnotation(annotation)
  const warn = (isIgnored: boolean, why: string) => (isIgnored ? [...warnings, ignored(why)] : warnings)
  if (!isAtLeast(kubernetesVersion, 1, 18)) {
    const version = formatVersion(kubernetesVersion)
    return {
      isReversed: false,
      reason: 'kubernetes-version',
      explanation: `the seed dials: Kubernetes ${version} is older than 1.18, which brought the egress selector`,
      warnings: warn(value === true, 'it needs Kubernetes 1.18 or newer'),
    }
  }
  const gate = gates.ReversedVPN
  if (gate === 'always') {
    return {
      isReversed: true,
      reason: 'gardener-version',
      explanation: 'the shoot dials: this version of Gardener knows no other direction',
      warnings: warn(value === false, 'this version of Gardener knows no other direction'),
    }
  }
  // An annotation that says no counts in an old Gardener and not in a new one; without a gate this may be either.
  if (gate === undefined && value !== true) return undefined
  if (value !== undefined && gates.APIServerSNI) {
    return {
      isReversed: value,
      reason: 'annotation',
      explanation: `${dialler(value)}: the shoot's annotation says ${annotation}`,
      warnings,
    }
  }
  if (gate === undefined) return undefined
  return {
    isReversed: gate,
    reason: 'feature-gate',
    explanation: `${dialler(gate)}: the feature gate ReversedVPN is ${gate}`,
    warnings: warn(value !== undefined, 'it needs the gate APIServerSNI'),
  }
}

function readAnnotation(text: string | undefined): { value: boolean | undefined; warnings: string[] } {
  if (text === undefined) return { value: undefined, warnings: [] }
  const value = parseBool(text)
  if (value !== undefined) return { value, warnings: [] }
  return { value, warnings: [ignored(`its value is ${JSON.stringify(text)}, expected true or false`)] }
}

function ignored(why: string): string {
  return `annotation ${REVERSED_VPN_ANNOTATION} is ignored: ${why}`
}

function dialler(isReversed: boolean): string {
  return isReversed ? 'the shoot dials' : 'the seed dials'
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** Parses a boolean as Go's `strconv.ParseBool` does; undefined for any other text, spaces included. */
export function parseBool(text: string): boolean | undefined {
  if (TRUE.has(text)) return true
  return FALSE.has(text) ? false : undefined
}
