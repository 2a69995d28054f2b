import { endpointManifests } from '../endpoint/endpoint-manifests.js'
import type { RenderedFile } from '../manifest/manifest.js'
import { fileOf } from '../manifest/rendered-file.js'
import { daemonConfigMap } from '../pod/config-map.js'
import { serviceAccount } from '../pod/service-account.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SHOOT_PORTS } from '../shoot/names.js'
import { seedServerDeployment } from './deployment.js'
import { egressSelectorConfigMap } from './kube-apiserver/egress-selector.js'
import { egressSelectorComponent } from './kube-apiserver/egress-selector-component.js'
import { sidecarComponent } from './kube-apiserver/sidecar-component.js'
import { SEED_SERVER } from './names.js'
import { seedNetworkPolicies } from './network-policies.js'
import { seedServerDisruptionBudget } from './pod-disruption-budget.js'
import { diallingSeedConfig, listeningSeedConfig } from './seed-server-config.js'
import { seedServerService } from './service.js'
import { seedServerAutoscaler } from './vertical-pod-autoscaler.js'

/** Everything for the seed, in the order in which it is best applied. */
export function seedFiles(setting: RenderSetting): RenderedFile[] {
  return setting.direction.isReversed ? listeningFiles(setting) : diallingFiles(setting)
}

function listeningFiles(setting: RenderSetting): RenderedFile[] {
  const namespace = setting.seedNamespace
  const manifests = [
    serviceAccount('seed', SEED_SERVER, namespace),
    daemonConfigMap('seed', SEED_SERVER, namespace, listeningSeedConfig(setting)),
    seedServerDeployment(setting),
    seedServerService(setting),
    ...seedNetworkPolicies(setting),
    seedServerDisruptionBudget(setting),
    seedServerAutoscaler(setting),
    ...endpointManifests(setting),
    egressSelectorConfigMap(setting),
  ]
  return [
    ...manifests.map((manifest) => fileOf('seed', manifest)),
    componentFile(egressSelectorComponent(setting)),
  ]
}

/** The seed-server is a guest in kube-apiserver's pod, so there is nothing that others could find or reach. */
function diallingFiles(setting: RenderSetting): RenderedFile[] {
  const config = diallingSeedConfig(setting, SHOOT_PORTS.tunnel)
  return [
    fileOf('seed', daemonConfigMap('seed', SEED_SERVER, setting.seedNamespace, config)),
    componentFile(sidecarComponent(setting)),
  ]
}

/** In a folder of its own, where `kubectl apply -f seed/` does not come. */
function componentFile(manifest: RenderedFile['manifest']): RenderedFile {
  return { path: 'seed/kube-apiserver/kustomization.yaml', manifest }
}
