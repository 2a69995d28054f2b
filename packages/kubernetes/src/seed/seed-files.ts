import { endpointManifests } from '../endpoint/endpoint-manifests.js'
import { fileOf, type RenderedFile } from '../manifest/manifest.js'
import { SEED_SERVER } from '../names.js'
import { daemonConfigMap } from '../pod/config.js'
import { serviceAccount } from '../pod/security.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { egressSelectorComponent, egressSelectorConfigMap } from './kube-apiserver/egress-selector.js'
import { sidecarComponent } from './kube-apiserver/sidecar.js'
import { seedNetworkPolicies, seedServerService, sidecarNetworkPolicy } from './network.js'
import { diallingSeedConfig, listeningSeedConfig } from './seed-server-config.js'
import { seedServerAutoscaler, seedServerDeployment, seedServerDisruptionBudget } from './workload.js'

/** Everything for the seed, in the order to apply it in. */
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
    ...(setting.platform === 'gardener' ? [seedServerAutoscaler(setting)] : []),
    ...endpointManifests(setting),
    egressSelectorConfigMap(setting),
  ]
  return [
    ...manifests.map((manifest) => fileOf('seed', manifest)),
    componentFile(egressSelectorComponent(setting)),
  ]
}

/** The seed-server is a sidecar of kube-apiserver, so it needs no Service, and only Prometheus may connect to it. */
function diallingFiles(setting: RenderSetting): RenderedFile[] {
  const config = daemonConfigMap('seed', SEED_SERVER, setting.seedNamespace, diallingSeedConfig(setting))
  return [
    fileOf('seed', config),
    fileOf('seed', sidecarNetworkPolicy(setting)),
    componentFile(sidecarComponent(setting)),
  ]
}

/** In a folder of its own, because `kubectl apply -f seed/` must not apply it. */
function componentFile(manifest: RenderedFile['manifest']): RenderedFile {
  return { path: 'seed/kube-apiserver/kustomization.yaml', manifest }
}
