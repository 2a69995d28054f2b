import type { FeatureGates } from './feature-gates.js'
import { isAtLeast, type KubernetesVersion } from './kubernetes-version.js'

/** The annotation that overrides the seed's gate for one shoot. */
export const REVERSED_VPN_ANNOTATION = 'alpha.featuregates.shoot.gardener.cloud/reversed-vpn'

/** What decided. */
type DirectionReason = 'kubernetes-version' | 'annotation' | 'feature-gate'

/** Who dials: the shoot (`isReversed`), or the seed, which is the default. */
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
  readonly kubernetesVersion: KubernetesVersion
  /** The annotation's text, undefined when the shoot has none. */
  readonly annotation: string | undefined
}

/**
 * Decides who dials for one shoot. Before Kubernetes 1.18 there is no egress selector, so the seed dials whatever else is
 * set. From 1.18 on the annotation decides if the gate APIServerSNI is on; otherwise the gate ReversedVPN does.
 */
export function decideDirection({ gates, kubernetesVersion, annotation }: DirectionInput): DirectionDecision {
  const { value, warnings } = readAnnotation(annotation)
  if (!isAtLeast(kubernetesVersion, 1, 18)) {
    const version = `${kubernetesVersion.major}.${kubernetesVersion.minor}`
    return {
      isReversed: false,
      reason: 'kubernetes-version',
      explanation: `the seed dials: Kubernetes ${version} is older than 1.18, which brought the egress selector`,
      warnings: value === true ? [...warnings, ignored('it needs Kubernetes 1.18 or newer')] : warnings,
    }
  }
  if (value !== undefined && gates.APIServerSNI) {
    return {
      isReversed: value,
      reason: 'annotation',
      explanation: `${dialler(value)}: the shoot's annotation says ${annotation}`,
      warnings,
    }
  }
  return {
    isReversed: gates.ReversedVPN,
    reason: 'feature-gate',
    explanation: `${dialler(gates.ReversedVPN)}: the feature gate ReversedVPN is ${gates.ReversedVPN}`,
    warnings: value === undefined ? warnings : [...warnings, ignored('it needs the gate APIServerSNI')],
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
