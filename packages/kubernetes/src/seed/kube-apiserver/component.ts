import { CLUSTER_LABEL, type Manifest, type Value } from '../../manifest/manifest.js'
import { toYaml } from '../../manifest/yaml-text.js'

const TARGET = { group: 'apps', version: 'v1', kind: 'Deployment', name: 'kube-apiserver' } as const

export const API_SERVER = 'kube-apiserver'

/**
 * A kustomize component that changes the Deployment of kube-apiserver, which is another's: named in the `components` of whoever
 * renders that Deployment, and taken out again, it leaves no trace.
 */
export function apiServerComponent(name: string, namespace: string, patches: readonly Value[]): Manifest {
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    metadata: { name, namespace, labels: { [CLUSTER_LABEL]: 'seed' } },
    patches: patches.map((patch) => ({ target: TARGET, patch: toYaml(patch) })),
  }
}

/** A strategic merge patch of the Deployment: what it names is added or changed, the rest stays. */
export function deploymentPatch(template: Value): Value {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: API_SERVER },
    spec: { template },
  }
}
