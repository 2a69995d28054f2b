import { defineManifest, type Manifest } from '../../manifest/manifest.js'
import { toYaml } from '../../manifest/yaml-text.js'
import { type DaemonConfig, toConfigText } from '../../pod/config-text.js'
import { CONFIG_FOLDER, CONFIG_KEY } from '../../pod/containers.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { SNI_GATEWAY, SNI_GATEWAY_LABELS, SNI_GATEWAY_PORTS } from './names.js'
import { routes } from './routes.js'

const ROUTES_KEY = 'routes.yaml'

export function sniGatewayConfig(): DaemonConfig {
  return {
    'tls-listen': `[::]:${SNI_GATEWAY_PORTS.tls}`,
    'connect-listen': `[::]:${SNI_GATEWAY_PORTS.connect}`,
    routes: `${CONFIG_FOLDER}/${ROUTES_KEY}`,
    'admin-listen': `[::]:${SNI_GATEWAY_PORTS.admin}`,
  }
}

/** The gateway's options, read at start, and its routes, read again whenever they change. */
export function sniGatewayConfigMap(setting: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: SNI_GATEWAY,
      namespace: setting.seedNamespace,
      labels: SNI_GATEWAY_LABELS,
    },
    { data: { [CONFIG_KEY]: toConfigText(sniGatewayConfig()), [ROUTES_KEY]: toYaml(routes(setting)) } },
  )
}
