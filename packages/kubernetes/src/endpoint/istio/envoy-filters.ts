import { defineManifest, type Manifest, SHARED_LABEL, type ValueMap } from '../../manifest/manifest.js'
import { SEED_SERVER, SEED_SERVER_LABELS, seedServerDestination, seedServerHost } from '../../seed/names.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { ENDPOINT_PORTS } from '../endpoint-ports.js'

const CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager'
const CONNECTION_MANAGER_TYPE =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

const UPGRADE_TYPE = 'CONNECT'

/**
 * Lets the endpoint take CONNECT at all. The same for every shoot, and there once: Envoy refuses a listener that is told twice.
 */
export function connectListenerFilter(setting: RenderSetting): Manifest {
  return envoyFilter(
    setting,
    `${SEED_SERVER}-connect`,
    { [SHARED_LABEL]: 'true' },
    {
      applyTo: 'NETWORK_FILTER',
      match: {
        context: 'GATEWAY',
        listener: {
          portNumber: ENDPOINT_PORTS.connect,
          filterChain: { filter: { name: CONNECTION_MANAGER } },
        },
      },
      patch: {
        operation: 'MERGE',
        value: {
          name: CONNECTION_MANAGER,
          typed_config: {
            '@type': CONNECTION_MANAGER_TYPE,
            // OpenVPN speaks HTTP/1.0, and may be a neighbour on this port.
            http_protocol_options: { accept_http_10: true },
            // Whether a tunnel lives its ends find out by themselves.
            stream_idle_timeout: '0s',
            upgrade_configs: [{ upgrade_type: UPGRADE_TYPE }],
          },
        },
      },
    },
  )
}

/** The way of this shoot's CONNECT: its destination, exactly, leads to its seed-server and nowhere else. */
export function connectRouteFilter(setting: RenderSetting): Manifest {
  const { seedNamespace } = setting
  const destination = seedServerDestination(seedNamespace)
  return envoyFilter(
    setting,
    `${SEED_SERVER}-${seedNamespace}`,
    {},
    {
      applyTo: 'HTTP_ROUTE',
      match: {
        context: 'GATEWAY',
        routeConfiguration: {
          portNumber: ENDPOINT_PORTS.connect,
          vhost: { name: `${seedServerHost(seedNamespace)}:${ENDPOINT_PORTS.connect}` },
        },
      },
      patch: {
        operation: 'INSERT_FIRST',
        value: {
          name: `${SEED_SERVER}-connect`,
          match: {
            connect_matcher: {},
            headers: [{ name: 'Reversed-VPN', string_match: { exact: destination } }],
          },
          route: {
            cluster: destination,
            timeout: '0s',
            idle_timeout: '0s',
            upgrade_configs: [{ upgrade_type: UPGRADE_TYPE, connect_config: {} }],
          },
        },
      },
    },
  )
}

/** Lies where the endpoint runs: elsewhere an EnvoyFilter does not reach it. */
function envoyFilter(
  { ingress }: RenderSetting,
  name: string,
  labels: Readonly<Record<string, string>>,
  configPatch: ValueMap,
): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      name,
      namespace: ingress.namespace,
      labels: { ...SEED_SERVER_LABELS, ...labels },
    },
    { spec: { workloadSelector: { labels: ingress.labels }, configPatches: [configPatch] } },
  )
}
