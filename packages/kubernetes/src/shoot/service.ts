import { isAtLeast } from '../feature-gate/kubernetes-version.js'
import { FAMILY_NAMES } from '../input/networks.js'
import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SHOOT_PORTS, VPN_SHOOT, VPN_SHOOT_LABELS, VPN_SHOOT_NAMESPACE } from './names.js'

/**
 * The shoot's own load balancer, only where the seed dials. Not ready is no reason to take it away: the pod is ready once
 * the seed has come through here. Gardener's DNS controller gives it the name that the seed dials.
 */
export function vpnShootService(setting: RenderSetting): Manifest {
  return defineManifest(
    'shoot',
    {
      apiVersion: 'v1',
      kind: 'Service',
      name: VPN_SHOOT,
      namespace: VPN_SHOOT_NAMESPACE,
      labels: VPN_SHOOT_LABELS,
      annotations: {
        'dns.gardener.cloud/class': 'garden',
        'dns.gardener.cloud/dnsnames': setting.shootHost,
      },
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

/** The families of the shoot, where they are not the IPv4 that goes without saying. Kubernetes 1.20 brought both fields. */
function ipFamilies({ families, kubernetesVersion }: RenderSetting): ValueMap {
  if (families.join() === '4' || !isAtLeast(kubernetesVersion, 1, 20)) return {}
  return {
    ipFamilyPolicy: families.length > 1 ? 'PreferDualStack' : 'SingleStack',
    ipFamilies: families.map((family) => FAMILY_NAMES[family]),
  }
}
