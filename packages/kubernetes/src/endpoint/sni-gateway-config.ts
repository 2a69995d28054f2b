import { type Manifest, toYaml, type ValueMap } from '../manifest/manifest.js'
import {
  SEED_PORTS,
  SEED_SERVER,
  SNI_GATEWAY,
  SNI_GATEWAY_PORTS,
  seedServerDestination,
  seedServerHost,
} from '../names.js'
import { CONFIG_FOLDER, type DaemonConfig, daemonConfigMap } from '../pod/config.js'
import type { RenderSetting } from '../setting/render-setting.js'

const ROUTES_KEY = 'routes.yaml'

/** The gateway's options, the same for every shoot. */
export const SNI_GATEWAY_CONFIG: DaemonConfig = {
  'tls-listen': `[::]:${SNI_GATEWAY_PORTS.tls}`,
  'connect-listen': `[::]:${SNI_GATEWAY_PORTS.connect}`,
  routes: `${CONFIG_FOLDER}/${ROUTES_KEY}`,
  'admin-listen': `[::]:${SNI_GATEWAY_PORTS.admin}`,
}

/** The gateway's options, read at start, and its routes, read again whenever they change. */
export function sniGatewayConfigMap(setting: RenderSetting): Manifest {
  const files = { [ROUTES_KEY]: toYaml(routes(setting)) }
  return daemonConfigMap('seed', SNI_GATEWAY, setting.seedNamespace, SNI_GATEWAY_CONFIG, files)
}

/** Routes of this shoot: to kube-apiserver by server name, to the seed-server by server name or destination. */
function routes({ seedNamespace, apiServerHost }: RenderSetting): ValueMap {
  return {
    routes: [
      {
        name: `${seedNamespace}-kube-apiserver`,
        serverNames: [apiServerHost],
        backend: `kube-apiserver.${seedNamespace}.svc.cluster.local:443`,
      },
      {
        name: `${seedNamespace}-${SEED_SERVER}`,
        serverNames: [seedServerHost(seedNamespace)],
        destinations: [seedServerDestination(seedNamespace)],
        backend: `${seedServerHost(seedNamespace)}:${SEED_PORTS.tunnel}`,
      },
    ],
  }
}
