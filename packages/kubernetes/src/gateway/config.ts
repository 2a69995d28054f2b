import { defineManifest, type Manifest, toYaml, type ValueMap } from '../manifest/manifest.js'
import {
  SEED_PORTS,
  SEED_SERVER,
  SNI_GATEWAY,
  SNI_GATEWAY_LABELS,
  SNI_GATEWAY_PORTS,
  SNI_GATEWAY_ROUTES,
  seedServerDestination,
  seedServerHost,
} from '../names.js'
import { CONFIG_FOLDER, type DaemonConfig, daemonConfigMap } from '../pod/config.js'
import type { GatewaySetting, GatewayTarget } from './gateway-setting.js'

export const ROUTES_FOLDER = `${CONFIG_FOLDER}-routes`
const ROUTES_KEY = 'routes.yaml'

/** The gateway's options, which do not depend on any shoot. */
export const SNI_GATEWAY_CONFIG: DaemonConfig = {
  'tls-listen': `[::]:${SNI_GATEWAY_PORTS.tls}`,
  'connect-listen': `[::]:${SNI_GATEWAY_PORTS.connect}`,
  routes: `${ROUTES_FOLDER}/${ROUTES_KEY}`,
  'admin-listen': `[::]:${SNI_GATEWAY_PORTS.admin}`,
}

/** The options, read at start. */
export function gatewayConfigMap({ namespace }: GatewaySetting): Manifest {
  return daemonConfigMap('seed', SNI_GATEWAY, namespace, SNI_GATEWAY_CONFIG)
}

/** The routes of all shoots, read again whenever they change: connections that are open stay open. */
export function routesConfigMap({ namespace, controlPlanes }: GatewaySetting): Manifest {
  return defineManifest(
    'seed',
    { apiVersion: 'v1', kind: 'ConfigMap', name: SNI_GATEWAY_ROUTES, namespace, labels: SNI_GATEWAY_LABELS },
    { data: { [ROUTES_KEY]: toYaml({ routes: controlPlanes.flatMap(routesOf) }) } },
  )
}

/**
 * To kube-apiserver by server name, to the seed-server by server name or destination; nobody asks for the latter where the
 * seed dials.
 */
function routesOf(target: GatewayTarget): ValueMap[] {
  const { seedNamespace, apiServerHosts, apiServerBackend, hasTunnel } = target
  const toApiServer = {
    name: `${seedNamespace}-kube-apiserver`,
    serverNames: apiServerHosts,
    backend: apiServerBackend,
  }
  const toSeedServer = {
    name: `${seedNamespace}-${SEED_SERVER}`,
    serverNames: [seedServerHost(seedNamespace)],
    destinations: [seedServerDestination(seedNamespace)],
    backend: `${seedServerHost(seedNamespace)}:${SEED_PORTS.tunnel}`,
  }
  return [...(apiServerHosts.length > 0 ? [toApiServer] : []), ...(hasTunnel ? [toSeedServer] : [])]
}
