import { defineManifest, type Manifest } from '../manifest/manifest.js'
import { SNI_GATEWAY, SNI_GATEWAY_LABELS, SNI_GATEWAY_PORTS, SNI_GATEWAY_ROUTES } from '../names.js'
import { CONFIG_FOLDER, configHashAnnotation } from '../pod/config.js'
import { daemonContainer, GATEWAY_MEMORY } from '../pod/containers.js'
import { nodeTolerations } from '../pod/placement.js'
import { mountedConfigMap } from '../pod/volumes.js'
import { ROUTES_FOLDER, SNI_GATEWAY_CONFIG } from './config.js'
import type { GatewaySetting } from './gateway-setting.js'

/**
 * The gateway: two replicas that share nothing, without an exception from the restricted profile. It does not change with
 * the routes, so that no pod is replaced, and no tunnel cut, when a shoot comes or goes.
 */
export function gatewayDeployment({ namespace, image }: GatewaySetting): Manifest {
  const config = mountedConfigMap('config', SNI_GATEWAY, CONFIG_FOLDER)
  const routes = mountedConfigMap('routes', SNI_GATEWAY_ROUTES, ROUTES_FOLDER)
  return defineManifest(
    'seed',
    { apiVersion: 'apps/v1', kind: 'Deployment', name: SNI_GATEWAY, namespace, labels: SNI_GATEWAY_LABELS },
    {
      spec: {
        replicas: 2,
        revisionHistoryLimit: 2,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        selector: { matchLabels: SNI_GATEWAY_LABELS },
        template: {
          metadata: { labels: SNI_GATEWAY_LABELS, annotations: configHashAnnotation(SNI_GATEWAY_CONFIG) },
          spec: {
            serviceAccountName: SNI_GATEWAY,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            // Backends are Services, so the cluster's DNS it is; their names are complete, so without the search list.
            dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
            tolerations: nodeTolerations(),
            // Longer than the 30 seconds that connections have to finish after SIGTERM.
            terminationGracePeriodSeconds: 45,
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              daemonContainer({
                name: SNI_GATEWAY,
                program: 'sni-gateway',
                image,
                ports: SNI_GATEWAY_PORTS,
                adminPort: 'admin',
                volumes: [config, routes],
                memory: GATEWAY_MEMORY,
              }),
            ],
            volumes: [config.volume, routes.volume],
          },
        },
      },
    },
  )
}
