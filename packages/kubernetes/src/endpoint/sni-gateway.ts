import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import {
  ENDPOINT_PORTS,
  PROMETHEUS_LABELS,
  SNI_GATEWAY,
  SNI_GATEWAY_LABELS,
  SNI_GATEWAY_PORTS,
} from '../names.js'
import { CONFIG_FOLDER, configHashAnnotation } from '../pod/config.js'
import { daemonContainer } from '../pod/containers.js'
import { serviceAccount } from '../pod/security.js'
import { mountedConfigMap } from '../pod/volumes.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SNI_GATEWAY_CONFIG, sniGatewayConfigMap } from './sni-gateway-config.js'

/** Our own gateway as the endpoint, with a load balancer and the routes of this shoot. */
export function sniGatewayManifests(setting: RenderSetting): Manifest[] {
  return [
    serviceAccount('seed', SNI_GATEWAY, setting.seedNamespace),
    sniGatewayConfigMap(setting),
    ...networkPolicies(setting),
    deployment(setting),
    service(setting),
  ]
}

/** Anybody may connect to the gateway's two ports, and Prometheus to the third. */
function networkPolicies({ seedNamespace: namespace }: RenderSetting): Manifest[] {
  const { tls, connect, admin } = SNI_GATEWAY_PORTS
  const policy = (from: string, rule: ValueMap) =>
    defineManifest(
      'seed',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        name: `${SNI_GATEWAY}-from-${from}`,
        namespace,
        labels: SNI_GATEWAY_LABELS,
      },
      {
        spec: {
          podSelector: { matchLabels: SNI_GATEWAY_LABELS },
          policyTypes: ['Ingress'],
          ingress: [rule],
        },
      },
    )
  return [
    policy('anywhere', {
      ports: [
        { protocol: 'TCP', port: tls },
        { protocol: 'TCP', port: connect },
      ],
    }),
    policy('prometheus', {
      from: [{ podSelector: { matchLabels: PROMETHEUS_LABELS } }],
      ports: [{ protocol: 'TCP', port: admin }],
    }),
  ]
}

/** The gateway: two replicas that share nothing, without an exception from the restricted profile. */
function deployment(setting: RenderSetting): Manifest {
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
          metadata: { labels: SNI_GATEWAY_LABELS, annotations: configHashAnnotation(SNI_GATEWAY_CONFIG) },
          spec: {
            serviceAccountName: SNI_GATEWAY,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            // Longer than the 30 seconds that connections have to finish after SIGTERM.
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

/** The load balancer in front of the gateway. */
function service({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    { apiVersion: 'v1', kind: 'Service', name: SNI_GATEWAY, namespace, labels: SNI_GATEWAY_LABELS },
    {
      spec: {
        type: 'LoadBalancer',
        // Keeps the clients' addresses, by which the gateway limits them.
        externalTrafficPolicy: 'Local',
        selector: SNI_GATEWAY_LABELS,
        ports: [
          { name: 'tls', port: ENDPOINT_PORTS.tls, targetPort: 'tls', protocol: 'TCP' },
          { name: 'connect', port: ENDPOINT_PORTS.connect, targetPort: 'connect', protocol: 'TCP' },
        ],
      },
    },
  )
}
