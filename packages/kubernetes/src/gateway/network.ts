import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import {
  CONNECT_ENDPOINTS,
  ENDPOINT_TLS_PORT,
  PROMETHEUS_LABELS,
  SNI_GATEWAY,
  SNI_GATEWAY_LABELS,
  SNI_GATEWAY_PORTS,
} from '../names.js'
import type { GatewaySetting } from './gateway-setting.js'

/** Anybody may connect to the gateway's two ports, and Prometheus, wherever it is in the seed, to the third. */
export function gatewayNetworkPolicies({ namespace }: GatewaySetting): Manifest[] {
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
      from: [{ namespaceSelector: {}, podSelector: { matchLabels: PROMETHEUS_LABELS } }],
      ports: [{ protocol: 'TCP', port: admin }],
    }),
  ]
}

/** The one load balancer of the seed. */
export function gatewayService({ namespace }: GatewaySetting): Manifest {
  const { legacy, unified } = CONNECT_ENDPOINTS
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
          { name: 'tls', port: ENDPOINT_TLS_PORT, targetPort: 'tls', protocol: 'TCP' },
          // One port of the pod for both: it takes either header.
          { name: 'connect', port: legacy.port, targetPort: 'connect', protocol: 'TCP' },
          { name: 'connect-unified', port: unified.port, targetPort: 'connect', protocol: 'TCP' },
        ],
      },
    },
  )
}
