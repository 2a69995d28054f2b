import type { Manifest } from '../../manifest/manifest.js'
import { serviceAccount } from '../../pod/service-account.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { sniGatewayConfigMap } from './config-map.js'
import { sniGatewayDeployment } from './deployment.js'
import { SNI_GATEWAY } from './names.js'
import { sniGatewayNetworkPolicies } from './network-policies.js'
import { sniGatewayService } from './service.js'

/** Our own gateway as the endpoint, with a load balancer and the routes of this shoot. */
export function sniGatewayManifests(setting: RenderSetting): Manifest[] {
  return [
    serviceAccount('seed', SNI_GATEWAY, setting.seedNamespace),
    sniGatewayConfigMap(setting),
    ...sniGatewayNetworkPolicies(setting),
    sniGatewayDeployment(setting),
    sniGatewayService(setting),
  ]
}
