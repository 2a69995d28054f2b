import { isAtLeast } from '../feature-gate/kubernetes-version.js'
import { defineManifest, type Manifest } from '../manifest/manifest.js'
import { configHashAnnotation } from '../pod/config-text.js'
import { CONFIG_FOLDER, daemonContainer, setupContainer } from '../pod/containers.js'
import { forwardingSysctls, needsForwardingSysctl } from '../pod/forwarding-sysctls.js'
import { DAEMON_UID, exceptionAnnotations } from '../pod/security.js'
import { mountedConfigMap, mountedSecret, mountedTunDevice } from '../pod/volumes.js'
import type { RenderSetting } from '../setting/render-setting.js'
import {
  SHOOT_PORTS,
  VPN_SHOOT,
  VPN_SHOOT_LABELS,
  VPN_SHOOT_NAMESPACE,
  VPN_SHOOT_TLS_SECRET,
} from './names.js'
import { SHOOT_TLS_FOLDER, shootClientConfig } from './shoot-client-config.js'

/** Before the field there was an annotation for the same. */
const SECCOMP_ANNOTATION = { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' }

/** The shoot-client. A new pod is up before the old one goes; the sessions pass from one to the other. */
export function vpnShootDeployment(setting: RenderSetting): Manifest {
  const hasSeccompField = isAtLeast(setting.kubernetesVersion, 1, 19)
  const config = mountedConfigMap('config', VPN_SHOOT, CONFIG_FOLDER)
  const tls = mountedSecret({ name: 'tls', secretName: VPN_SHOOT_TLS_SECRET, mountPath: SHOOT_TLS_FOLDER })
  const device = mountedTunDevice('dev-net-tun')
  const image = setting.images.shootClient
  const { tunnel, admin } = SHOOT_PORTS
  return defineManifest(
    'shoot',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: VPN_SHOOT,
      namespace: VPN_SHOOT_NAMESPACE,
      labels: VPN_SHOOT_LABELS,
    },
    {
      spec: {
        replicas: 1,
        revisionHistoryLimit: 2,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        selector: { matchLabels: VPN_SHOOT_LABELS },
        template: {
          metadata: {
            labels: VPN_SHOOT_LABELS,
            annotations: {
              ...(hasSeccompField ? {} : SECCOMP_ANNOTATION),
              ...configHashAnnotation(shootClientConfig(setting)),
              ...exceptionAnnotations([
                'setup-container',
                'dev-net-tun',
                ...(needsForwardingSysctl(setting) ? (['forwarding-sysctl'] as const) : []),
              ]),
            },
          },
          spec: {
            serviceAccountName: VPN_SHOOT,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            priorityClassName: 'system-cluster-critical',
            tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
            // Longer than connections may finish after SIGTERM, which is 30 seconds.
            terminationGracePeriodSeconds: 45,
            securityContext: {
              fsGroup: DAEMON_UID,
              ...(hasSeccompField ? { seccompProfile: { type: 'RuntimeDefault' } } : {}),
              ...forwardingSysctls(setting),
            },
            initContainers: [
              setupContainer({ name: 'setup', image, volumes: [config, device], hasSeccompField }),
            ],
            containers: [
              daemonContainer({
                name: VPN_SHOOT,
                image,
                ports: setting.direction.isReversed ? { admin } : { tunnel, admin },
                adminPort: 'admin',
                volumes: [config, tls, device],
                hasSeccompField,
              }),
            ],
            volumes: [config, tls, device].map(({ volume }) => volume),
          },
        },
      },
    },
  )
}
