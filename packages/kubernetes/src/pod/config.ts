import { createHash } from 'node:crypto'
import { type Cluster, defineManifest, type Manifest, toYaml } from '../manifest/manifest.js'

/** Where a daemon's configuration is mounted, and its file in there. */
export const CONFIG_FOLDER = '/etc/reversed-vpn'
export const CONFIG_KEY = 'config.yaml'

/** Options of a daemon as in its `--config` file: keys are named like the flags. */
export type DaemonConfig = Readonly<Record<string, string | readonly string[]>>

/** A ConfigMap with a daemon's configuration, and with `otherFiles` next to it. */
export function daemonConfigMap(
  cluster: Cluster,
  name: string,
  namespace: string,
  config: DaemonConfig,
  otherFiles: Readonly<Record<string, string>> = {},
): Manifest {
  return defineManifest(
    cluster,
    { apiVersion: 'v1', kind: 'ConfigMap', name, namespace, labels: { app: name } },
    { data: { [CONFIG_KEY]: toYaml(config), ...otherFiles } },
  )
}

/** Changes with the configuration, so that a new one replaces the pods, which read it only at start. */
export function configHashAnnotation(config: DaemonConfig): Record<string, string> {
  return { 'reversed-vpn/config-hash': createHash('sha256').update(toYaml(config)).digest('hex') }
}
