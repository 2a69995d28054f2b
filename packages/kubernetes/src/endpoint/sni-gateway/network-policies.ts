import { defineManifest, type Manifest, type ValueMap } from '../../manifest/manifest.js'
import { PROMETHEUS_LABELS } from '../../seed/names.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { SNI_GATEWAY, SNI_GATEWAY_LABELS, SNI_GATEWAY_PORTS } from './names.js'

/** Everyone may connect to the gateway's two ports, and Prometheus to the third. */
export function sniGatewayNetworkPolicies({ seedNamespace: namespace }: RenderSetting): Manifest[] {
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
