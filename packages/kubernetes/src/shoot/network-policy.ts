import { defineManifest, type Manifest } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SHOOT_PORTS, VPN_SHOOT, VPN_SHOOT_LABELS, VPN_SHOOT_NAMESPACE } from './names.js'

/**
 * Nobody connects to the shoot-client, but for a seed that dials. Towards the shoot everything is let out: where packets may go
 * is the client's own firewall's to say, and networks of pods and nodes mean different things to different CNIs.
 */
export function vpnShootNetworkPolicy({ direction }: RenderSetting): Manifest {
  const tunnel = { ports: [{ protocol: 'TCP', port: SHOOT_PORTS.tunnel }] }
  return defineManifest(
    'shoot',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name: VPN_SHOOT,
      namespace: VPN_SHOOT_NAMESPACE,
      labels: VPN_SHOOT_LABELS,
    },
    {
      spec: {
        podSelector: { matchLabels: VPN_SHOOT_LABELS },
        policyTypes: ['Ingress', 'Egress'],
        ingress: direction.isReversed ? [] : [tunnel],
        egress: [{}],
      },
    },
  )
}
