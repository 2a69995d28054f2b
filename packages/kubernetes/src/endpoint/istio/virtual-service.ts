import { defineManifest, type Manifest } from '../../manifest/manifest.js'
import { SEED_PORTS, SEED_SERVER, SEED_SERVER_LABELS, seedServerHost } from '../../seed/names.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { ENDPOINT_PORTS } from '../endpoint-ports.js'

/**
 * Where connections for this shoot go. TLS is routed here; CONNECT is what Istio's routes cannot match, so the EnvoyFilter routes it, and
 * what else is asked for on that port is sent away.
 */
export function virtualService({ seedNamespace: namespace }: RenderSetting): Manifest {
  const host = seedServerHost(namespace)
  const route = [{ destination: { host, port: { number: SEED_PORTS.tunnel } } }]
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.istio.io/v1beta1',
      kind: 'VirtualService',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        exportTo: ['*'],
        hosts: [host],
        gateways: [SEED_SERVER],
        http: [
          {
            match: [{ port: ENDPOINT_PORTS.connect }],
            redirect: { scheme: 'https', port: ENDPOINT_PORTS.tls, redirectCode: 308 },
          },
        ],
        tls: [{ match: [{ port: ENDPOINT_PORTS.tls, sniHosts: [host] }], route }],
      },
    },
  )
}
