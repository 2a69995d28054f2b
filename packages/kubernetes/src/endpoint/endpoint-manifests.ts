import type { Manifest } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { destinationRule } from './istio/destination-rule.js'
import { connectListenerFilter, connectRouteFilter } from './istio/envoy-filters.js'
import { gateway } from './istio/gateway.js'
import { virtualService } from './istio/virtual-service.js'
import { sniGatewayManifests } from './sni-gateway/sni-gateway-manifests.js'

/** What makes the shared endpoint lead to this shoot's seed-server. */
export function endpointManifests(setting: RenderSetting): Manifest[] {
  if (setting.endpoint === 'sni-gateway') return sniGatewayManifests(setting)
  return [
    gateway(setting),
    virtualService(setting),
    destinationRule(setting),
    connectListenerFilter(setting),
    connectRouteFilter(setting),
  ]
}
