import { defineManifest, type Manifest } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SEED_SERVER, SEED_SERVER_LABELS } from './names.js'

/** One at a time may be evicted, so that a node with the only seed-server can be drained. */
export function seedServerDisruptionBudget({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    { spec: { maxUnavailable: 1, selector: { matchLabels: SEED_SERVER_LABELS } } },
  )
}
