import { createHash } from 'node:crypto'
import type { GardenletConfiguration, IngressGateway } from '../input/gardenlet-configuration.js'
import type { Shoot } from '../input/shoot.js'
import type { OptionErrors } from './option-errors.js'
import type { RenderOptions } from './render-options.js'

const MAX_NAMESPACE_LENGTH = 63
const ZONE_LABELS = ['istio', 'gardener.cloud/role']

/**
 * The ingress gateway that leads to this shoot: its exposure class has a gateway of its own, and so has the zone that its
 * control plane is pinned to, where the seed has several.
 *
 * @throws UsageError for an exposure class without handler
 */
export function chooseIngress(
  options: RenderOptions,
  gardenlet: GardenletConfiguration,
  shoot: Shoot,
  errors: OptionErrors,
): IngressGateway {
  const ingress = ingressOfClass(options, gardenlet, shoot, errors)
  return options.zone === undefined ? ingress : ofZone(ingress, options.zone)
}

function ingressOfClass(
  { exposureHandler }: RenderOptions,
  { file, ingress, handlers }: GardenletConfiguration,
  shoot: Shoot,
  errors: OptionErrors,
): IngressGateway {
  const { exposureClassName } = shoot
  if (exposureClassName === undefined) {
    if (exposureHandler === undefined) return ingress
    throw errors.optionError('exposure-handler', `${shoot.file.file} has no spec.exposureClassName`)
  }
  const found = handlers.get(exposureHandler ?? exposureClassName)
  if (found !== undefined) return found
  const known = handlers.size === 0 ? 'none' : [...handlers.keys()].join(', ')
  const seen = `exposureClassHandlers of ${file.file} has ${known}`
  if (exposureHandler !== undefined)
    throw errors.optionError('exposure-handler', `${seen}, expected one of them`)
  throw shoot.file.error(
    ['spec', 'exposureClassName'],
    `no handler is called ${exposureClassName} (${seen}), ` +
      'expected --exposure-handler with what the ExposureClass has as its handler',
  )
}

/**
 * As Gardener names the gateway of one zone: a namespace with the zone, or a hash where that is too long, and one label
 * with it.
 */
function ofZone({ namespace, labels }: IngressGateway, zone: string): IngressGateway {
  const named = `${namespace}--${zone}`
  const hash = createHash('sha256').update(zone).digest('hex').slice(0, 5)
  const key = ZONE_LABELS.find((label) => label in labels) ?? 'istio'
  return {
    namespace: named.length <= MAX_NAMESPACE_LENGTH ? named : `${namespace}--${hash}`,
    labels: { ...labels, [key]: `${labels[key] ?? 'ingressgateway'}--zone--${zone}` },
  }
}
