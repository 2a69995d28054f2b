import { UsageError } from '@reversed-vpn/daemon'

/** The gates of a gardenlet that decide about the tunnel. */
export interface FeatureGates {
  readonly ReversedVPN: boolean
  readonly APIServerSNI: boolean
  readonly KonnectivityTunnel: boolean
}

/** What a gate is that the configuration does not name. */
export const FEATURE_GATE_DEFAULTS = Object.freeze({
  ReversedVPN: false,
  APIServerSNI: true,
  KonnectivityTunnel: false,
}) satisfies FeatureGates

/**
 * Fills in the gates that are not named and checks that they go together.
 * @throws UsageError that names the gates
 */
export function resolveFeatureGates(given: Partial<FeatureGates>): FeatureGates {
  const gates = { ...FEATURE_GATE_DEFAULTS, ...given }
  if (gates.ReversedVPN && !gates.APIServerSNI)
    throw new UsageError(
      'featureGates: ReversedVPN is true and APIServerSNI false, expected APIServerSNI true: the tunnel comes in through that endpoint',
    )
  if (gates.ReversedVPN && gates.KonnectivityTunnel)
    throw new UsageError(
      'featureGates: ReversedVPN and KonnectivityTunnel are both true, expected one of them at most',
    )
  return gates
}
