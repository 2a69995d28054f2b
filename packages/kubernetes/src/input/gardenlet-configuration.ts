import { findMisspelt } from '@reversed-vpn/daemon'
import { z } from 'zod'
import {
  FEATURE_GATE_DEFAULTS,
  type FeatureGates,
  resolveFeatureGates,
} from '../feature-gate/feature-gates.js'
import { InputFile } from './input-file.js'

/** The pods of the endpoint that all shoots of a seed share. */
export interface IngressGateway {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** What a gardenlet's configuration says about the tunnel. */
export interface GardenletConfiguration {
  readonly gates: FeatureGates
  readonly ingress: IngressGateway
}

/** What Gardener installs unless `sni.ingress` says otherwise. */
const INGRESS_DEFAULTS = Object.freeze({
  namespace: 'istio-ingress',
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
}) satisfies IngressGateway

const GATE_NAMES = Object.keys(FEATURE_GATE_DEFAULTS) as (keyof FeatureGates)[]

const schema = z.looseObject(
  {
    kind: z.literal('GardenletConfiguration', { error: 'expected GardenletConfiguration' }).optional(),
    featureGates: z
      .record(z.string(), z.boolean({ error: 'expected true or false, without quotes' }), {
        error: 'expected a mapping of gates to true or false',
      })
      .nullish(),
    sni: z
      .looseObject({
        ingress: z
          .looseObject({
            namespace: z.string({ error: 'expected a namespace' }).optional(),
            labels: z
              .record(z.string(), z.string(), { error: 'expected a mapping of labels to text' })
              .optional(),
          })
          .nullish(),
      })
      .nullish(),
  },
  { error: 'expected a GardenletConfiguration' },
)

/**
 * Reads the parts of a gardenlet's configuration that the tunnel depends on. Gates of other features are ignored.
 * @throws UsageError naming file and path
 */
export function readGardenletConfiguration(path: string): GardenletConfiguration {
  const file = InputFile.read(path)
  const { featureGates, sni } = file.parse(schema)
  for (const name of Object.keys(featureGates ?? {})) {
    const meant = GATE_NAMES.some((gate) => gate === name) ? undefined : findMisspelt(name, GATE_NAMES)
    if (meant !== undefined) throw file.error(['featureGates', name], `unknown gate, expected ${meant}`)
  }
  return {
    gates: readGates(file, featureGates ?? {}),
    ingress: {
      namespace: sni?.ingress?.namespace ?? INGRESS_DEFAULTS.namespace,
      labels: sni?.ingress?.labels ?? INGRESS_DEFAULTS.labels,
    },
  }
}

function readGates(file: InputFile, given: Readonly<Record<string, boolean>>): FeatureGates {
  const ours = Object.fromEntries(Object.entries(given).filter(([name]) => name in FEATURE_GATE_DEFAULTS))
  try {
    return resolveFeatureGates(ours)
  } catch (error) {
    throw file.error(['featureGates'], (error as Error).message.replace(/^featureGates: /, ''))
  }
}
