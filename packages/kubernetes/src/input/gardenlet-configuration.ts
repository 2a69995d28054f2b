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
    const meant = findMisspeltGate(name)
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

/** How many letters a name may differ from a gate's to be taken for a misspelling of it. */
const MAX_SLIPS = 2

/** The gate that `name` is a misspelling of; undefined when `name` is one of the gates. */
function findMisspeltGate(name: string): keyof FeatureGates | undefined {
  if ((GATE_NAMES as readonly string[]).includes(name)) return undefined
  return GATE_NAMES.find((gate) => countSlips(name.toLowerCase(), gate.toLowerCase()) <= MAX_SLIPS)
}

/** Letters inserted, deleted or substituted between two texts (Levenshtein distance). */
function countSlips(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...right].entries()) {
      const substituted = (previous[column] ?? 0) + (letter === other ? 0 : 1)
      current.push(Math.min(substituted, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}
