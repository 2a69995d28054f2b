import { UsageError } from '@reversed-vpn/daemon'

/** The gardenlet's feature gates that decide about the tunnel. */
export interface FeatureGates {
  readonly ReversedVPN: boolean
  readonly APIServerSNI: boolean
  readonly KonnectivityTunnel: boolean
}

/** Values of gates that the configuration does not name. */
export const FEATURE_GATE_DEFAULTS = Object.freeze({
  ReversedVPN: false,
  APIServerSNI: true,
  KonnectivityTunnel: false,
}) satisfies FeatureGates

/**
 * Fills in gates that are not named, and checks that all go together.
 * @throws UsageError that names the gates
 */
export function resolveFeatureGates(given: Partial<FeatureGates>): FeatureGates {
  const gates = { ...FEATURE_GATE_DEFAULTS, ...given }
  if (gates.ReversedVPN && !gates.APIServerSNI)
    throw new UsageError(
      'featureGates: ReversedVPN is true and APIServerSNI false, expected APIServerSNI true: ' +
        'the tunnel enters the seed through that endpoint',
    )
  if (gates.ReversedVPN && gates.KonnectivityTunnel)
    throw new UsageError(
      'featureGates: ReversedVPN and KonnectivityTunnel are both true, expected at most one of them',
    )
  return gates
}
