import { defineManifest, type Manifest } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SEED_SERVER, SEED_SERVER_LABELS } from './names.js'

/** Sizes the seed-server when it starts anyway (`Initial`): to restart it for that would cut every connection of the shoot. */
export function seedServerAutoscaler({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscaler',
      name: SEED_SERVER,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: SEED_SERVER },
        updatePolicy: { updateMode: 'Initial' },
        resourcePolicy: {
          containerPolicies: [
            {
              containerName: SEED_SERVER,
              controlledValues: 'RequestsOnly',
              minAllowed: { cpu: '50m', memory: '100Mi' },
              maxAllowed: { cpu: '2', memory: '300Mi' },
            },
          ],
        },
      },
    },
  )
}
