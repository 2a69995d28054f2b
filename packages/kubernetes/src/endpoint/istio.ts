import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import { ENDPOINT_TLS_PORT, SEED_PORTS, SEED_SERVER, SEED_SERVER_LABELS, seedServerHost } from '../names.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { connectListenerFilter, connectRouteFilter } from './istio-connect.js'

/** Istio's ingress gateway as the endpoint. */
export function istioManifests(setting: RenderSetting): Manifest[] {
  return [
    gateway(setting),
    virtualService(setting),
    destinationRule(setting),
    connectListenerFilter(setting),
    connectRouteFilter(setting),
  ]
}

/** Opens the endpoint's ports for this shoot: one for CONNECT, the other for TLS passed through by its server name. */
function gateway(setting: RenderSetting): Manifest {
  const hosts = [seedServerHost(setting.seedNamespace)]
  return istioManifest(setting, 'Gateway', {
    selector: setting.ingress.labels,
    servers: [
      { hosts, port: { name: 'http-connect', number: setting.connect.port, protocol: 'HTTP' } },
      {
        hosts,
        port: { name: 'tls-tunnel', number: ENDPOINT_TLS_PORT, protocol: 'TLS' },
        tls: { mode: 'PASSTHROUGH' },
      },
    ],
  })
}

/**
 * Where connections for this shoot go. TLS is routed here. CONNECT is routed by the EnvoyFilter, because Istio's routes
 * cannot match it; any other request on that port is redirected.
 */
function virtualService(setting: RenderSetting): Manifest {
  const host = seedServerHost(setting.seedNamespace)
  const route = [{ destination: { host, port: { number: SEED_PORTS.tunnel } } }]
  return istioManifest(setting, 'VirtualService', {
    exportTo: ['*'],
    hosts: [host],
    gateways: [SEED_SERVER],
    http: [
      {
        match: [{ port: setting.connect.port }],
        redirect: { scheme: 'https', port: ENDPOINT_TLS_PORT, redirectCode: 308 },
      },
    ],
    tls: [{ match: [{ port: ENDPOINT_TLS_PORT, sniHosts: [host] }], route }],
  })
}

/** How the endpoint connects to the seed-server: without TLS of its own, because what it passes on is TLS already. */
function destinationRule(setting: RenderSetting): Manifest {
  return istioManifest(setting, 'DestinationRule', {
    exportTo: ['*'],
    host: seedServerHost(setting.seedNamespace),
    trafficPolicy: {
      connectionPool: {
        tcp: {
          connectTimeout: '10s',
          tcpKeepalive: { time: '60s', interval: '10s', probes: 3 },
        },
      },
      tls: { mode: 'DISABLE' },
    },
  })
}

function istioManifest({ seedNamespace: namespace }: RenderSetting, kind: string, spec: ValueMap): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.istio.io/v1beta1',
      kind,
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    { spec },
  )
}
