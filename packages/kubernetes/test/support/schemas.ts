import { EnvoyFilter } from '@kubernetes-models/istio/networking.istio.io/v1alpha3'
import {
  DestinationRule,
  Gateway,
  VirtualService,
} from '@kubernetes-models/istio/networking.istio.io/v1beta1'
import { Deployment } from 'kubernetes-models/apps/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Service, ServiceAccount } from 'kubernetes-models/v1'
import { parse } from 'yaml'
import { z } from 'zod'
import type { KubernetesObject } from './kubernetes-object.js'

/** Throws an Error that says what does not fit. */
type Validator = (object: KubernetesObject) => void

const MODELS = {
  'v1 ConfigMap': ConfigMap,
  'v1 Service': Service,
  'v1 ServiceAccount': ServiceAccount,
  'apps/v1 Deployment': Deployment,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'networking.istio.io/v1beta1 DestinationRule': DestinationRule,
  'networking.istio.io/v1beta1 Gateway': Gateway,
  'networking.istio.io/v1beta1 VirtualService': VirtualService,
  'networking.istio.io/v1alpha3 EnvoyFilter': EnvoyFilter,
} as const

const metadata = z.strictObject({
  name: z.string(),
  namespace: z.string(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()).optional(),
})
const quantities = z.strictObject({ cpu: z.string().optional(), memory: z.string().optional() })

// No package has these kinds, so these schemas say what the upstream types do.

/** k8s.io/autoscaler `vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1/types.go`. */
const verticalPodAutoscaler = z.strictObject({
  apiVersion: z.literal('autoscaling.k8s.io/v1'),
  kind: z.literal('VerticalPodAutoscaler'),
  metadata,
  spec: z.strictObject({
    targetRef: z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
    updatePolicy: z
      .strictObject({
        updateMode: z.enum(['Off', 'Initial', 'Recreate', 'Auto']).optional(),
        minReplicas: z.int().optional(),
      })
      .optional(),
    resourcePolicy: z
      .strictObject({
        containerPolicies: z.array(
          z.strictObject({
            containerName: z.string(),
            mode: z.enum(['Auto', 'Off']).optional(),
            minAllowed: quantities.optional(),
            maxAllowed: quantities.optional(),
            controlledResources: z.array(z.enum(['cpu', 'memory'])).optional(),
            controlledValues: z.enum(['RequestsAndLimits', 'RequestsOnly']).optional(),
          }),
        ),
      })
      .optional(),
  }),
})

/** k8s.io/apiserver `pkg/apis/apiserver/v1beta1/types.go`, and the rules of `pkg/server/egressselector/config.go`. */
const egressSelectorConfiguration = z.strictObject({
  apiVersion: z.enum(['apiserver.k8s.io/v1alpha1', 'apiserver.k8s.io/v1beta1']),
  kind: z.literal('EgressSelectorConfiguration'),
  egressSelections: z.array(
    z.strictObject({
      name: z.enum(['cluster', 'controlplane', 'master', 'etcd']),
      connection: z.discriminatedUnion('proxyProtocol', [
        z.strictObject({ proxyProtocol: z.literal('Direct') }),
        z.strictObject({
          proxyProtocol: z.enum(['HTTPConnect', 'GRPC']),
          transport: z.strictObject({
            tcp: z.strictObject({
              url: z.url({ protocol: /^https$/ }),
              tlsConfig: z.strictObject({
                caBundle: z.string(),
                clientCert: z.string(),
                clientKey: z.string(),
              }),
            }),
          }),
        }),
      ]),
    }),
  ),
})

/** sigs.k8s.io/kustomize `api/types/kustomization.go` and `api/types/patch.go`. */
const component = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1alpha1'),
  kind: z.literal('Component'),
  metadata,
  patches: z
    .array(
      z.strictObject({
        target: z.strictObject({
          group: z.string(),
          version: z.string(),
          kind: z.string(),
          name: z.string(),
        }),
        patch: z.string(),
      }),
    )
    .min(1),
})

/** RFC 6902, as far as it is used. */
const jsonPatch = z.array(
  z.strictObject({ op: z.enum(['add', 'test']), path: z.string().startsWith('/'), value: z.string() }),
)

const VALIDATORS: Readonly<Record<string, Validator>> = {
  ...Object.fromEntries(
    Object.entries(MODELS).map(([name, Model]) => [
      name,
      (object: KubernetesObject) => {
        // Each model types its own data; what fits is what this is to find out.
        ;new (Model as new (data: unknown) => { validate(): void })(object).validate()
      },
    ]),
  ),
  'autoscaling.k8s.io/v1 VerticalPodAutoscaler': (object) => void verticalPodAutoscaler.parse(object),
  'kustomize.config.k8s.io/v1alpha1 Component': validateComponent,
}

/** @throws Error saying what does not fit the kind, or that the kind is not known */
export function validateObject(object: KubernetesObject): void {
  const name = `${object.apiVersion} ${object.kind}`
  const validate = VALIDATORS[name]
  if (validate === undefined) throw new Error(`no schema for ${name}`)
  validate(object)
}

export function validateEgressSelectorConfiguration(text: string) {
  return egressSelectorConfiguration.parse(parse(text))
}

/** A merge patch has to be a Deployment once the Deployment it is merged into gives what it leaves out. */
function validateComponent(object: KubernetesObject): void {
  for (const { patch } of component.parse(object).patches) {
    const content = parse(patch)
    if (Array.isArray(content)) {
      jsonPatch.parse(content)
      continue
    }
    const labels = { app: 'kubernetes' }
    const { template } = content.spec
    validateObject({
      ...content,
      spec: {
        selector: { matchLabels: labels },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    })
  }
}
