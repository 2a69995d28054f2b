import { defineManifest, type Manifest } from '../../manifest/manifest.js'
import { SEED_SERVER, SEED_SERVER_LABELS, seedServerHost } from '../../seed/names.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { ENDPOINT_PORTS } from '../endpoint-ports.js'

/** Opens the endpoint's ports for this shoot: CONNECT on one, TLS passed through by its server name on the other. */
export function gateway({ seedNamespace: namespace, ingress }: RenderSetting): Manifest {
  const hosts = [seedServerHost(namespace)]
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.istio.io/v1beta1',
      kind: 'Gateway',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        selector: ingress.labels,
        servers: [
          { hosts, port: { name: 'http-connect', number: ENDPOINT_PORTS.connect, protocol: 'HTTP' } },
          {
            hosts,
            port: { name: 'tls-tunnel', number: ENDPOINT_PORTS.tls, protocol: 'TLS' },
            tls: { mode: 'PASSTHROUGH' },
          },
        ],
      },
    },
  )
}
