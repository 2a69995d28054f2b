import type { RenderedFile } from '../manifest/manifest.js'
import { fileOf } from '../manifest/rendered-file.js'
import { daemonConfigMap } from '../pod/config-map.js'
import { serviceAccount } from '../pod/service-account.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { vpnShootDeployment } from './deployment.js'
import { VPN_SHOOT, VPN_SHOOT_NAMESPACE } from './names.js'
import { vpnShootNetworkPolicy } from './network-policy.js'
import { vpnShootService } from './service.js'
import { shootClientConfig } from './shoot-client-config.js'

/** Everything for the shoot, in the order in which it is best applied. */
export function shootFiles(setting: RenderSetting): RenderedFile[] {
  const manifests = [
    serviceAccount('shoot', VPN_SHOOT, VPN_SHOOT_NAMESPACE),
    daemonConfigMap('shoot', VPN_SHOOT, VPN_SHOOT_NAMESPACE, shootClientConfig(setting)),
    vpnShootNetworkPolicy(setting),
    vpnShootDeployment(setting),
    ...(setting.direction.isReversed ? [] : [vpnShootService(setting)]),
  ]
  return manifests.map((manifest) => fileOf('shoot', manifest))
}
