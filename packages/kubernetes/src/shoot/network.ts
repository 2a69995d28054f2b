import { isAtLeast } from '../feature-gate/version.js'
import { FAMILY_NAMES } from '../input/networks.js'
import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import { SHOOT_PORTS, VPN_SHOOT, VPN_SHOOT_LABELS } from '../names.js'
import type { RenderSetting } from '../setting/render-setting.js'

/**
 * Nobody connects to the shoot-client except a seed that dials. Egress is open: the client's own firewall decides where
 * packets may go, and CNIs differ in what pod and node networks mean in a policy.
 */
export function vpnShootNetworkPolicy(setting: RenderSetting): Manifest {
  const tunnel = { ports: [{ protocol: 'TCP', port: SHOOT_PORTS.tunnel }] }
  return defineManifest(
    'shoot',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name: VPN_SHOOT,
      namespace: setting.shootNamespace,
      labels: VPN_SHOOT_LABELS,
    },
    {
      spec: {
        podSelector: { matchLabels: VPN_SHOOT_LABELS },
        policyTypes: ['Ingress', 'Egress'],
        ingress: setting.direction.isReversed ? [] : [tunnel],
        egress: [{}],
      },
    },
  )
}

/**
 * The shoot's own load balancer, only where the seed dials. It also leads to a pod that is not ready, which becomes ready
 * only when the seed has come through here. Gardener's DNS controller gives it the name that the seed dials.
 */
export function vpnShootService(setting: RenderSetting): Manifest {
  return defineManifest(
    'shoot',
    {
      apiVersion: 'v1',
      kind: 'Service',
      name: VPN_SHOOT,
      namespace: setting.shootNamespace,
      labels: VPN_SHOOT_LABELS,
      ...(setting.platform === 'gardener' && {
        annotations: {
          'dns.gardener.cloud/class': 'garden',
          'dns.gardener.cloud/dnsnames': setting.shootHost,
        },
      }),
    },
    {
      spec: {
        type: 'LoadBalancer',
        ...ipFamilies(setting),
        publishNotReadyAddresses: true,
        selector: VPN_SHOOT_LABELS,
        ports: [{ name: 'tunnel', port: SHOOT_PORTS.tunnel, targetPort: 'tunnel', protocol: 'TCP' }],
      },
    },
  )
}

/** The address families of the shoot, unless it is IPv4 only, the default. Kubernetes 1.20 introduced both fields. */
function ipFamilies({ families, kubernetesVersion }: RenderSetting): ValueMap {
  if (families.join() === '4' || !isAtLeast(kubernetesVersion, 1, 20)) return {}
  return {
    ipFamilyPolicy: families.length > 1 ? 'PreferDualStack' : 'SingleStack',
    ipFamilies: families.map((family) => FAMILY_NAMES[family]),
  }
}
