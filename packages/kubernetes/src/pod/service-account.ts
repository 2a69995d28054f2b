import { type Cluster, defineManifest, type Manifest } from '../manifest/manifest.js'

/** An identity without rights and without a token: nothing here talks to a Kubernetes API. */
export function serviceAccount(cluster: Cluster, name: string, namespace: string): Manifest {
  return defineManifest(
    cluster,
    { apiVersion: 'v1', kind: 'ServiceAccount', name, namespace, labels: { app: name } },
    { automountServiceAccountToken: false },
  )
}
