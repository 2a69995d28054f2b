import { defineManifest, type Manifest } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SEED_PORTS, SEED_SERVER, SEED_SERVER_LABELS } from './names.js'

/**
 * Where the endpoint, kube-apiserver and Prometheus find the seed-server. It is ready once a tunnel is up, and a tunnel only
 * comes up through here: so its address is published before.
 */
export function seedServerService({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    { apiVersion: 'v1', kind: 'Service', name: SEED_SERVER, namespace, labels: SEED_SERVER_LABELS },
    {
      spec: {
        type: 'ClusterIP',
        publishNotReadyAddresses: true,
        selector: SEED_SERVER_LABELS,
        ports: [
          // The names begin with the protocol as Istio is to see it: what is inside is TLS of our own.
          { name: 'tcp-tunnel', port: SEED_PORTS.tunnel, targetPort: 'tunnel', protocol: 'TCP' },
          { name: 'tcp-egress', port: SEED_PORTS.egress, targetPort: 'egress', protocol: 'TCP' },
          { name: 'http-admin', port: SEED_PORTS.admin, targetPort: 'admin', protocol: 'TCP' },
        ],
      },
    },
  )
}
