import { type Cluster, defineManifest, type Manifest } from '../manifest/manifest.js'
import type { DaemonConfig } from './config-text.js'
import { toConfigText } from './config-text.js'
import { CONFIG_KEY } from './containers.js'

/** The configuration of a daemon, as its `--config` reads it. */
export function daemonConfigMap(
  cluster: Cluster,
  name: string,
  namespace: string,
  config: DaemonConfig,
): Manifest {
  return defineManifest(
    cluster,
    { apiVersion: 'v1', kind: 'ConfigMap', name, namespace, labels: { app: name } },
    { data: { [CONFIG_KEY]: toConfigText(config) } },
  )
}
