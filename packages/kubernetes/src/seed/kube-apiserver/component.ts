import { CLUSTER_LABEL, type Manifest, toYaml, type Value } from '../../manifest/manifest.js'
import type { RenderSetting } from '../../setting/render-setting.js'

/**
 * A kustomize component that changes the Deployment of kube-apiserver, which somebody else renders. They list it under
 * `components`; removing it there restores the Deployment.
 */
export function apiServerComponent(
  name: string,
  { seedNamespace: namespace, apiServer }: RenderSetting,
  patches: readonly Value[],
): Manifest {
  const target = { group: 'apps', version: 'v1', kind: 'Deployment', name: apiServer.deployment }
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    metadata: { name, namespace, labels: { [CLUSTER_LABEL]: 'seed' } },
    patches: patches.map((patch) => ({ target, patch: toYaml(patch) })),
  }
}

/** A strategic merge patch of the Deployment: adds or changes what it names, and keeps the rest. */
export function deploymentPatch({ apiServer }: RenderSetting, template: Value): Value {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: apiServer.deployment },
    spec: { template },
  }
}
