import { defineManifest, type Manifest } from '../../manifest/manifest.js'
import { configHashAnnotation } from '../../pod/config-text.js'
import { CONFIG_FOLDER, daemonContainer } from '../../pod/containers.js'
import { mountedConfigMap } from '../../pod/volumes.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { sniGatewayConfig } from './config-map.js'
import { SNI_GATEWAY, SNI_GATEWAY_LABELS, SNI_GATEWAY_PORTS } from './names.js'

/** The gateway: two, neither of which knows of the other, and no exception from the restricted profile. */
export function sniGatewayDeployment(setting: RenderSetting): Manifest {
  const config = mountedConfigMap('config', SNI_GATEWAY, CONFIG_FOLDER)
  return defineManifest(
    'seed',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: SNI_GATEWAY,
      namespace: setting.seedNamespace,
      labels: SNI_GATEWAY_LABELS,
    },
    {
      spec: {
        replicas: 2,
        revisionHistoryLimit: 2,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        selector: { matchLabels: SNI_GATEWAY_LABELS },
        template: {
          metadata: { labels: SNI_GATEWAY_LABELS, annotations: configHashAnnotation(sniGatewayConfig()) },
          spec: {
            serviceAccountName: SNI_GATEWAY,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            // Longer than connections may go on after SIGTERM, which is 30 seconds.
            terminationGracePeriodSeconds: 45,
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              daemonContainer({
                name: SNI_GATEWAY,
                image: setting.images.sniGateway,
                ports: SNI_GATEWAY_PORTS,
                adminPort: 'admin',
                volumes: [config],
              }),
            ],
            volumes: [config.volume],
          },
        },
      },
    },
  )
}
