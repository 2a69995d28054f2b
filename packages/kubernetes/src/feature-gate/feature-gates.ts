import { UsageError } from '@reversed-vpn/daemon'
import { formatVersion, isAtLeast, type Version } from './version.js'

/** The gardenlet's feature gates that decide about the tunnel. */
export interface FeatureGates {
  /**
   * `always`: Gardener has no other way any more. Undefined: off before Gardener 1.42 and on since, and the version is not
   * known.
   */
  readonly ReversedVPN: boolean | 'always' | undefined
  readonly APIServerSNI: boolean
  readonly KonnectivityTunnel: boolean
  /** Whether CONNECT goes to 8443 with `X-Gardener-Destination`, instead of to 8132 with `Reversed-VPN`. */
  readonly UseUnifiedHTTPProxyPort: boolean
}

/** Gates as a gardenlet's configuration names them. */
export type GivenGates = Readonly<Partial<Record<keyof FeatureGates, boolean>>>

interface GateHistory {
  /** The minor version of Gardener 1 that brought it, where older ones may be in use that refuse its name. */
  readonly knownSince?: number
  /** The minor version of Gardener 1 from which on it is on unless it is named. */
  readonly onSince?: number
  /** From which on it cannot be chosen any more: on where it was on by default, else gone. */
  readonly fixedSince: number
}

/** Gardener's `docs/deployment/feature_gates.md`. */
const HISTORY: Readonly<Record<keyof FeatureGates, GateHistory>> = {
  ReversedVPN: { onSince: 42, fixedSince: 63 },
  APIServerSNI: { onSince: 19, fixedSince: 73 },
  KonnectivityTunnel: { fixedSince: 27 },
  UseUnifiedHTTPProxyPort: { knownSince: 130, onSince: 140, fixedSince: 144 },
}
export const GATE_NAMES = Object.keys(HISTORY) as (keyof FeatureGates)[]
export const REVERSED_VPN_ON_SINCE = `1.${HISTORY.ReversedVPN.onSince}`

/**
 * Fills in gates that are not named, and checks that all go together.
 * @param gardener its version, undefined when it is not known
 * @throws UsageError that names the gates
 */
export function resolveFeatureGates(given: GivenGates, gardener?: Version): FeatureGates {
  const reversed = resolveGate('ReversedVPN', given, gardener)
  const isForced = gardener !== undefined && isFixed('ReversedVPN', gardener)
  const gates = {
    ReversedVPN: isForced ? ('always' as const) : reversed,
    APIServerSNI: resolveGate('APIServerSNI', given, gardener) ?? true,
    KonnectivityTunnel: resolveGate('KonnectivityTunnel', given, gardener) ?? false,
    UseUnifiedHTTPProxyPort: resolveGate('UseUnifiedHTTPProxyPort', given, gardener) ?? false,
  }
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

/** Undefined when nobody says. */
function resolveGate(name: keyof FeatureGates, given: GivenGates, gardener?: Version): boolean | undefined {
  const { knownSince = 0, onSince, fixedSince } = HISTORY[name]
  if (gardener === undefined) return given[name]
  if (given[name] !== undefined && !isAtLeast(gardener, 1, knownSince))
    throw new UsageError(
      `featureGates: ${name} came with Gardener 1.${knownSince}, and this is ${formatVersion(gardener)}; ` +
        'expected that it is left out',
    )
  if (!isFixed(name, gardener))
    return given[name] ?? (onSince !== undefined && isAtLeast(gardener, 1, onSince))
  const fixed = onSince !== undefined
  if (given[name] === undefined || given[name] === fixed) return fixed
  throw new UsageError(
    `featureGates: ${name} is ${given[name]}, but since Gardener 1.${fixedSince} it is always ${fixed}, ` +
      `and this is ${formatVersion(gardener)}; expected that it is left out`,
  )
}

function isFixed(name: keyof FeatureGates, gardener: Version): boolean {
  return isAtLeast(gardener, 1, HISTORY[name].fixedSince)
}
