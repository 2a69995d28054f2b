import { defineManifest, type Manifest, SHARED_LABEL, type ValueMap } from '../manifest/manifest.js'
import {
  CONNECT_ENDPOINTS,
  SEED_SERVER,
  SEED_SERVER_LABELS,
  seedServerDestination,
  seedServerHost,
} from '../names.js'
import type { RenderSetting } from '../setting/render-setting.js'

const CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager'
const CONNECTION_MANAGER_TYPE =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

const UPGRADE_TYPE = 'CONNECT'

/**
 * Makes the endpoint accept CONNECT on a port. One for all shoots that use the port: Envoy refuses a listener that is configured
 * twice for it.
 */
export function connectListenerFilter(setting: RenderSetting): Manifest {
  const { connect } = setting
  const suffix = connect.port === CONNECT_ENDPOINTS.legacy.port ? '' : `-${connect.port}`
  return envoyFilter(
    setting,
    `${SEED_SERVER}-connect${suffix}`,
    { [SHARED_LABEL]: 'true' },
    {
      applyTo: 'NETWORK_FILTER',
      match: {
        context: 'GATEWAY',
        listener: {
          portNumber: connect.port,
          filterChain: { filter: { name: CONNECTION_MANAGER } },
        },
      },
      patch: {
        operation: 'MERGE',
        value: {
          name: CONNECTION_MANAGER,
          typed_config: {
            '@type': CONNECTION_MANAGER_TYPE,
            // OpenVPN clients, which may use the same port, send HTTP/1.0.
            http_protocol_options: { accept_http_10: true },
            // The ends of a tunnel find out by themselves whether it is alive.
            stream_idle_timeout: '0s',
            upgrade_configs: [{ upgrade_type: UPGRADE_TYPE }],
          },
        },
      },
    },
  )
}

/** Routes this shoot's CONNECT: exactly its destination leads to its seed-server, and nowhere else. */
export function connectRouteFilter(setting: RenderSetting): Manifest {
  const { seedNamespace, connect } = setting
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
          portNumber: connect.port,
          vhost: { name: `${seedServerHost(seedNamespace)}:${connect.port}` },
        },
      },
      patch: {
        operation: 'INSERT_FIRST',
        value: {
          name: `${SEED_SERVER}-connect`,
          match: {
            connect_matcher: {},
            headers: [{ name: connect.header, string_match: { exact: destination } }],
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

/** In the endpoint's namespace, because an EnvoyFilter affects only pods of its own namespace. */
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
