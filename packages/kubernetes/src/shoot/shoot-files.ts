import { fileOf, type RenderedFile } from '../manifest/manifest.js'
import { VPN_SHOOT } from '../names.js'
import { daemonConfigMap } from '../pod/config.js'
import { serviceAccount } from '../pod/security.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { vpnShootNetworkPolicy, vpnShootService } from './network.js'
import { shootClientConfig } from './shoot-client-config.js'
import { vpnShootDeployment } from './workload.js'

/** Everything for the shoot, in the order to apply it in. */
export function shootFiles(setting: RenderSetting): RenderedFile[] {
  const manifests = [
    serviceAccount('shoot', VPN_SHOOT, setting.shootNamespace),
    daemonConfigMap('shoot', VPN_SHOOT, setting.shootNamespace, shootClientConfig(setting)),
    vpnShootNetworkPolicy(setting),
    vpnShootDeployment(setting),
    ...(setting.direction.isReversed ? [] : [vpnShootService(setting)]),
  ]
  return manifests.map((manifest) => fileOf('shoot', manifest))
}
