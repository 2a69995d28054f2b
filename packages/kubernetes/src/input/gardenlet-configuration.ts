import { findMisspelt } from '@reversed-vpn/daemon'
import { z } from 'zod'
import { GATE_NAMES, type GivenGates } from '../feature-gate/feature-gates.js'
import { InputFile, kindOf, parseDocuments } from './input-file.js'
import { MAX_TOLERATION_SECONDS, type NodeTolerationSeconds } from './node-toleration.js'

/** The pods of an endpoint that all shoots of a seed share. */
export interface IngressGateway {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** What a gardenlet's configuration says about the tunnel. */
export interface GardenletConfiguration {
  readonly file: InputFile
  /** Those that are named. */
  readonly gates: GivenGates
  readonly ingress: IngressGateway
  /** The endpoints of exposure classes, by the name of their handler. */
  readonly handlers: ReadonlyMap<string, IngressGateway>
  readonly tolerationSeconds: NodeTolerationSeconds
}

const KIND = 'GardenletConfiguration'
/** A configuration, and what holds nothing else. */
export const GARDENLET_KINDS: readonly (string | undefined)[] = [KIND, 'Gardenlet']

/** What Gardener installs unless `sni.ingress` says otherwise. */
const INGRESS_DEFAULTS = Object.freeze({
  namespace: 'istio-ingress',
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
}) satisfies IngressGateway

/** Labels that the gateway of a handler always has, whatever its configuration says. */
const handlerLabels = (handler: string) => ({
  app: 'istio-ingressgateway',
  'gardener.cloud/role': 'exposureclass-handler',
  'handler.exposureclass.gardener.cloud/name': handler,
})

const sni = z
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
  .nullish()
const seconds = z
  .string()
  .regex(/^\d{1,9}$/, 'expected a number of seconds')
  .nullish()

const schema = z.looseObject(
  {
    kind: z
      .literal(KIND, {
        error:
          `expected ${KIND}, or a ConfigMap with one or a Gardenlet: ` +
          "what the gardenlet runs with is in the seed's ConfigMap garden/gardenlet-configmap-…",
      })
      .optional(),
    featureGates: z
      .record(z.string(), z.boolean({ error: 'expected true or false, without quotes' }), {
        error: 'expected a mapping of gates to true or false',
      })
      .nullish(),
    sni,
    exposureClassHandlers: z
      .array(z.looseObject({ name: z.string({ error: 'expected a name' }), sni }), {
        error: 'expected a list of handlers',
      })
      .nullish(),
    nodeToleration: z
      .looseObject({
        defaultNotReadyTolerationSeconds: seconds,
        defaultUnreachableTolerationSeconds: seconds,
      })
      .nullish(),
  },
  { error: `expected a ${KIND}` },
)

/**
 * Reads the parts of a gardenlet's configuration that the tunnel depends on. Gates of other features are ignored.
 * @throws UsageError naming file and path
 */
export function readGardenletConfiguration(path: string): GardenletConfiguration {
  const file = InputFile.read(path, KIND, (document) => findConfiguration(path, document))
  const document = file.parse(schema)
  const { featureGates, exposureClassHandlers, nodeToleration } = document
  for (const name of Object.keys(featureGates ?? {})) {
    const meant = GATE_NAMES.some((gate) => gate === name) ? undefined : findMisspelt(name, GATE_NAMES)
    if (meant !== undefined) throw file.error(['featureGates', name], `unknown gate, expected ${meant}`)
  }
  const handlers = (exposureClassHandlers ?? []).map(({ name, sni }): [string, IngressGateway] => {
    const { namespace = `istio-ingress-handler-${name}`, labels } = sni?.ingress ?? {}
    return [name, { namespace, labels: { ...labels, ...handlerLabels(name) } }]
  })
  return {
    file,
    gates: Object.fromEntries(GATE_NAMES.map((gate) => [gate, featureGates?.[gate]])),
    ingress: {
      namespace: document.sni?.ingress?.namespace ?? INGRESS_DEFAULTS.namespace,
      labels: document.sni?.ingress?.labels ?? INGRESS_DEFAULTS.labels,
    },
    handlers: new Map(handlers),
    tolerationSeconds: {
      notReady: tolerate(nodeToleration?.defaultNotReadyTolerationSeconds),
      unreachable: tolerate(nodeToleration?.defaultUnreachableTolerationSeconds),
    },
  }
}

/** The configuration that a document holds: a ConfigMap in its data, a Gardenlet in its specification. */
function findConfiguration(path: string, document: unknown): unknown {
  const step = (value: unknown, key: string): unknown => Reflect.get(Object(value), key)
  switch (kindOf(document)) {
    case 'Gardenlet':
      return step(step(document, 'spec'), 'config') ?? document
    case 'ConfigMap': {
      const text = step(step(document, 'data'), 'config.yaml')
      return (typeof text === 'string' ? parseDocuments(path, text)[0] : undefined) ?? document
    }
    default:
      return document
  }
}

function tolerate(given: string | null | undefined): number {
  return Math.min(Number(given ?? MAX_TOLERATION_SECONDS), MAX_TOLERATION_SECONDS)
}
