import type { FeatureGates } from './feature-gates.js'
import { isAtLeast, type KubernetesVersion } from './kubernetes-version.js'
import { parseBool } from './parse-bool.js'

/** The annotation by which one shoot differs from its seed. */
export const REVERSED_VPN_ANNOTATION = 'alpha.featuregates.shoot.gardener.cloud/reversed-vpn'

/** What decided. */
export type DirectionReason = 'kubernetes-version' | 'annotation' | 'feature-gate'

/** Who dials: the shoot (`isReversed`), or the seed, which is the default set-up. */
export interface DirectionDecision {
  readonly isReversed: boolean
  readonly reason: DirectionReason
  /** One sentence for a person. */
  readonly explanation: string
  /** What was given and does not count, one sentence each. */
  readonly warnings: readonly string[]
}

export interface DirectionInput {
  /** Checked by `resolveFeatureGates`. */
  readonly gates: FeatureGates
  readonly kubernetesVersion: KubernetesVersion
  /** The annotation's text, undefined when the shoot has none. */
  readonly annotation: string | undefined
}

/**
 * Decides who dials for one shoot. Below Kubernetes 1.18 there is no egress selector, so it is the default set-up whatever
 * else is said. From there on the annotation counts where APIServerSNI is on, otherwise the gate does.
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
