import { defineManifest, type Manifest } from '../../manifest/manifest.js'
import { SEED_SERVER, SEED_SERVER_LABELS, seedServerHost } from '../../seed/names.js'
import type { RenderSetting } from '../../setting/render-setting.js'

/** How the endpoint connects to the seed-server: as it is, since what passes is TLS already. */
export function destinationRule({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.istio.io/v1beta1',
      kind: 'DestinationRule',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        exportTo: ['*'],
        host: seedServerHost(namespace),
        trafficPolicy: {
          connectionPool: {
            tcp: {
              connectTimeout: '10s',
              tcpKeepalive: { time: '60s', interval: '10s', probes: 3 },
            },
          },
          tls: { mode: 'DISABLE' },
        },
      },
    },
  )
}
