import type { ControlPlane } from '../input/control-plane.js'
import { fileOf, type RenderedFile } from '../manifest/manifest.js'
import { SNI_GATEWAY } from '../names.js'
import { serviceAccount } from '../pod/security.js'
import { gatewayConfigMap, routesConfigMap } from './config.js'
import { gatewayNetworkPolicies, gatewayService } from './network.js'
import { gatewayDeployment } from './workload.js'

/** All that the manifests of a seed's gateway depend on. */
export interface GatewaySetting {
  readonly namespace: string
  readonly image: string
  /** Those of all shoots of the seed, in a fixed order. */
  readonly controlPlanes: readonly ControlPlane[]
}

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
