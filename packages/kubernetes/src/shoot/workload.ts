import { isAtLeast } from '../feature-gate/version.js'
import { defineManifest, type Manifest } from '../manifest/manifest.js'
import { SHOOT_PORTS, VPN_SHOOT, VPN_SHOOT_LABELS } from '../names.js'
import { CONFIG_FOLDER, configHashAnnotation } from '../pod/config.js'
import { daemonContainer, setupContainer } from '../pod/containers.js'
import { nodeTolerations } from '../pod/placement.js'
import { DAEMON_UID, exceptionAnnotations, forwardingSysctls } from '../pod/security.js'
import { mountedConfigMap, mountedSecret, mountedTunDevice } from '../pod/volumes.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SHOOT_TLS_FOLDER, shootClientConfig } from './shoot-client-config.js'

/** Does what the field `seccompProfile` does, before Kubernetes 1.19. */
const SECCOMP_ANNOTATION = { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' }

/** The shoot-client. A new pod is up before the old one ends, and takes its sessions over. */
export function vpnShootDeployment(setting: RenderSetting): Manifest {
  const hasSeccompField = isAtLeast(setting.kubernetesVersion, 1, 19)
  const config = mountedConfigMap('config', VPN_SHOOT, CONFIG_FOLDER)
  const tls = mountedSecret({
    name: 'tls',
    secretName: setting.secrets.vpnShoot,
    mountPath: SHOOT_TLS_FOLDER,
  })
  const device = mountedTunDevice('dev-net-tun')
  const image = setting.images.shootClient
  const { tunnel, admin } = SHOOT_PORTS
  return defineManifest(
    'shoot',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: VPN_SHOOT,
      namespace: setting.shootNamespace,
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
              ...exceptionAnnotations(setting),
            },
          },
          spec: {
            serviceAccountName: VPN_SHOOT,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            priorityClassName: 'system-cluster-critical',
            // The gateway's name is looked up as the node does, without the cluster's search list and without a DNS pod in
            // between.
            dnsPolicy: 'Default',
            tolerations: [
              { key: 'CriticalAddonsOnly', operator: 'Exists' },
              ...nodeTolerations(setting.tolerationSeconds),
            ],
            // Longer than the 30 seconds that connections have to finish after SIGTERM.
            terminationGracePeriodSeconds: 45,
            securityContext: {
              fsGroup: DAEMON_UID,
              ...(hasSeccompField ? { seccompProfile: { type: 'RuntimeDefault' } } : {}),
              ...forwardingSysctls(setting),
            },
            initContainers: [
              setupContainer({
                name: 'setup',
                program: 'shoot-client',
                image,
                volumes: [config, device],
                hasSeccompField,
              }),
            ],
            containers: [
              daemonContainer({
                name: VPN_SHOOT,
                program: 'shoot-client',
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
