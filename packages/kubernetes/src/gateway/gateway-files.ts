import { fileOf, type RenderedFile } from '../manifest/manifest.js'
import { SNI_GATEWAY } from '../names.js'
import { serviceAccount } from '../pod/security.js'
import { gatewayConfigMap, routesConfigMap } from './config.js'
import type { GatewaySetting } from './gateway-setting.js'
import { gatewayNetworkPolicies, gatewayService } from './network.js'
import { gatewayDeployment } from './workload.js'

/** The gateway of a seed, in the order to apply it in. */
export function gatewayFiles(setting: GatewaySetting): RenderedFile[] {
  return [
    serviceAccount('seed', SNI_GATEWAY, setting.namespace),
    gatewayConfigMap(setting),
    routesConfigMap(setting),
    ...gatewayNetworkPolicies(setting),
    gatewayDeployment(setting),
    gatewayService(setting),
  ].map((manifest) => fileOf('seed', manifest))
}
