import type { ValueMap } from '../../manifest/manifest.js'
import { SEED_PORTS, SEED_SERVER, seedServerDestination, seedServerHost } from '../../seed/names.js'
import type { RenderSetting } from '../../setting/render-setting.js'

/** The gateway's routes file: this shoot's kube-apiserver by its name, its seed-server by server name or destination. */
export function routes({ seedNamespace, apiServerHost }: RenderSetting): ValueMap {
  return {
    routes: [
      {
        name: `${seedNamespace}-kube-apiserver`,
        serverNames: [apiServerHost],
        backend: `kube-apiserver.${seedNamespace}.svc.cluster.local:443`,
      },
      {
        name: `${seedNamespace}-${SEED_SERVER}`,
        serverNames: [seedServerHost(seedNamespace)],
        destinations: [seedServerDestination(seedNamespace)],
        backend: `${seedServerHost(seedNamespace)}:${SEED_PORTS.tunnel}`,
      },
    ],
  }
}
