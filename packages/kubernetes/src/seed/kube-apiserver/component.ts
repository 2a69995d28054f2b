import { CLUSTER_LABEL, type Manifest, toYaml, type Value } from '../../manifest/manifest.js'

const TARGET = { group: 'apps', version: 'v1', kind: 'Deployment', name: 'kube-apiserver' } as const

export const API_SERVER = 'kube-apiserver'

/**
 * A kustomize component that changes the Deployment of kube-apiserver, which somebody else renders. They list it under
 * `components`; removing it there restores the Deployment.
 */
export function apiServerComponent(name: string, namespace: string, patches: readonly Value[]): Manifest {
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    metadata: { name, namespace, labels: { [CLUSTER_LABEL]: 'seed' } },
    patches: patches.map((patch) => ({ target: TARGET, patch: toYaml(patch) })),
  }
}

/** A strategic merge patch of the Deployment: adds or changes what it names, and keeps the rest. */
export function deploymentPatch(template: Value): Value {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: API_SERVER },
    spec: { template },
  }
}
