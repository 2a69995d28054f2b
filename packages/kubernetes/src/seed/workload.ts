import { defineManifest, type Manifest } from '../manifest/manifest.js'
import { SEED_PORTS, SEED_SERVER, SEED_SERVER_LABELS } from '../names.js'
import { CONFIG_FOLDER, configHashAnnotation } from '../pod/config.js'
import { daemonContainer, EGRESS_MEMORY, setupContainer } from '../pod/containers.js'
import { nodeTolerations } from '../pod/placement.js'
import { DAEMON_UID, exceptionAnnotations, forwardingSysctls } from '../pod/security.js'
import { mountedConfigMap, mountedSecret, mountedTunDevice } from '../pod/volumes.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { EGRESS_TLS_FOLDER, listeningSeedConfig, SEED_TLS_FOLDER } from './seed-server-config.js'

/** The seed-server that a shoot dials: one replica for one session, and no new one before the old one is gone. */
export function seedServerDeployment(setting: RenderSetting): Manifest {
  const config = mountedConfigMap('config', SEED_SERVER, CONFIG_FOLDER)
  const { secrets } = setting
  const tls = mountedSecret({ name: 'tls', secretName: secrets.seedServer, mountPath: SEED_TLS_FOLDER })
  const egressTls = mountedSecret({
    name: 'egress-tls',
    secretName: secrets.egress,
    mountPath: EGRESS_TLS_FOLDER,
  })
  const device = mountedTunDevice('dev-net-tun')
  const image = setting.images.seedServer
  return defineManifest(
    'seed',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: SEED_SERVER,
      namespace: setting.seedNamespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        replicas: 1,
        revisionHistoryLimit: 2,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: SEED_SERVER_LABELS },
        template: {
          metadata: {
            labels: { ...SEED_SERVER_LABELS, 'sidecar.istio.io/inject': 'false' },
            annotations: {
              ...configHashAnnotation(listeningSeedConfig(setting)),
              ...exceptionAnnotations(setting),
            },
          },
          spec: {
            serviceAccountName: SEED_SERVER,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            // Names in a CONNECT are none of the seed's Services.
            dnsPolicy: 'Default',
            tolerations: nodeTolerations(setting.tolerationSeconds),
            terminationGracePeriodSeconds: 30,
            securityContext: {
              fsGroup: DAEMON_UID,
              seccompProfile: { type: 'RuntimeDefault' },
              ...forwardingSysctls(setting),
            },
            initContainers: [
              setupContainer({ name: 'setup', program: 'seed-server', image, volumes: [config, device] }),
            ],
            containers: [
              daemonContainer({
                name: SEED_SERVER,
                program: 'seed-server',
                image,
                ports: SEED_PORTS,
                adminPort: 'admin',
                memory: EGRESS_MEMORY,
                volumes: [config, tls, egressTls, device],
              }),
            ],
            volumes: [config, tls, egressTls, device].map(({ volume }) => volume),
          },
        },
      },
    },
  )
}

/** One pod at a time may be evicted, so that the node with the only seed-server can be drained. */
export function seedServerDisruptionBudget({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    { spec: { maxUnavailable: 1, selector: { matchLabels: SEED_SERVER_LABELS } } },
  )
}

/** Sizes the seed-server only when it starts anyway (`Initial`): a restart would cut every connection of the shoot. */
export function seedServerAutoscaler({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscaler',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: SEED_SERVER },
        updatePolicy: { updateMode: 'Initial' },
        resourcePolicy: {
          containerPolicies: [
            {
              containerName: SEED_SERVER,
              controlledValues: 'RequestsOnly',
              minAllowed: { cpu: '50m', memory: EGRESS_MEMORY.request },
              maxAllowed: { cpu: '2', memory: EGRESS_MEMORY.limit },
            },
          ],
        },
      },
    },
  )
}
