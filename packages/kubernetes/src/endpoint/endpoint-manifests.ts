import type { Manifest, ValueMap } from '../manifest/manifest.js'
import { SNI_GATEWAY_LABELS } from '../names.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { istioManifests } from './istio.js'
import { sniGatewayManifests } from './sni-gateway.js'

/** What makes the shared endpoint lead to this shoot's seed-server. */
export function endpointManifests(setting: RenderSetting): Manifest[] {
  return setting.endpoint === 'istio' ? istioManifests(setting) : sniGatewayManifests(setting)
}

/** The pods of the endpoint, as a NetworkPolicy names a peer. */
export function gatewayPeer({ endpoint, ingress }: RenderSetting): ValueMap {
  if (endpoint === 'sni-gateway') return { podSelector: { matchLabels: SNI_GATEWAY_LABELS } }
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ingress.namespace } },
    podSelector: { matchLabels: ingress.labels },
  }
}
