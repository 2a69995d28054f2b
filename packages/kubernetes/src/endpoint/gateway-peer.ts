import type { ValueMap } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SNI_GATEWAY_LABELS } from './sni-gateway/names.js'

/** The pods of the endpoint, as a NetworkPolicy names a peer. */
export function gatewayPeer({ endpoint, ingress }: RenderSetting): ValueMap {
  if (endpoint === 'sni-gateway') return { podSelector: { matchLabels: SNI_GATEWAY_LABELS } }
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ingress.namespace } },
    podSelector: { matchLabels: ingress.labels },
  }
}
