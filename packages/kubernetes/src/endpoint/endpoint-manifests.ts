import type { Manifest, ValueMap } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { istioManifests } from './istio.js'

/** What makes the shared endpoint lead to this shoot's seed-server. Our own gateway has the routes of all shoots in one file. */
export function endpointManifests(setting: RenderSetting): Manifest[] {
  return setting.endpoint === 'istio' ? istioManifests(setting) : []
}

/** The pods of the endpoint, as a NetworkPolicy names a peer. */
export function gatewayPeer({ ingress }: RenderSetting): ValueMap {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ingress.namespace } },
    podSelector: { matchLabels: ingress.labels },
  }
}
