import { defineManifest, type Manifest } from '../../manifest/manifest.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { ENDPOINT_PORTS } from '../endpoint-ports.js'
import { SNI_GATEWAY, SNI_GATEWAY_LABELS } from './names.js'

/** The load balancer in front of the gateway. */
export function sniGatewayService({ seedNamespace: namespace }: RenderSetting): Manifest {
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
