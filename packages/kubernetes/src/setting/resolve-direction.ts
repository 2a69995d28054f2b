import {
  type DirectionDecision,
  decideDirection,
  REVERSED_VPN_ANNOTATION,
} from '../feature-gate/decide-direction.js'
import {
  type FeatureGates,
  REVERSED_VPN_ON_SINCE as ON_SINCE,
  resolveFeatureGates,
} from '../feature-gate/feature-gates.js'
import type { GardenletConfiguration } from '../input/gardenlet-configuration.js'
import type { Shoot } from '../input/shoot.js'
import type { RenderOptions } from './render-options.js'

/**
 * The gates that are in force. The version of Gardener is the one given, else the one that reconciled the Shoot last.
 *
 * @throws UsageError when they do not go together
 */
export function resolveGates(
  { gardenerVersion }: RenderOptions,
  { file, gates }: GardenletConfiguration,
  shoot: Shoot,
): FeatureGates {
  try {
    return resolveFeatureGates(gates, gardenerVersion ?? shoot.gardenerVersion)
  } catch (error) {
    throw file.error(['featureGates'], (error as Error).message.replace(/^featureGates: /, ''))
  }
}

/** Who dials. @throws UsageError when nothing says it */
export function resolveDirection(
  gates: FeatureGates,
  { file }: GardenletConfiguration,
  shoot: Shoot,
): DirectionDecision {
  const direction = decideDirection({
    gates,
    kubernetesVersion: shoot.kubernetesVersion,
    annotation: shoot.annotations[REVERSED_VPN_ANNOTATION],
  })
  if (direction !== undefined) return direction
  throw file.error(
    ['featureGates', 'ReversedVPN'],
    `is not given: before Gardener ${ON_SINCE} the seed dials then, since ${ON_SINCE} the shoot does; ` +
      'expected --gardener-version, or true or false here',
  )
}
