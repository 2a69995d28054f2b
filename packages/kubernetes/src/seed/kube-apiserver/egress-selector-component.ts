import type { Manifest } from '../../manifest/manifest.js'
import { mountedConfigMap, mountedSecret } from '../../pod/volumes.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { API_SERVER_EGRESS_SECRET } from '../names.js'
import { API_SERVER, apiServerComponent, deploymentPatch } from './component.js'
import {
  API_SERVER_EGRESS_TLS_FOLDER,
  EGRESS_SELECTOR,
  EGRESS_SELECTOR_KEY,
  egressSelectorHash,
} from './egress-selector.js'

const EGRESS_SELECTOR_FOLDER = '/etc/kubernetes/egress-selector'

/** Gives kube-apiserver the egress selector: two volumes and a flag. */
export function egressSelectorComponent(setting: RenderSetting): Manifest {
  const config = mountedConfigMap('egress-selector', EGRESS_SELECTOR, EGRESS_SELECTOR_FOLDER)
  const tls = mountedSecret({
    name: 'egress-tls',
    secretName: API_SERVER_EGRESS_SECRET,
    mountPath: API_SERVER_EGRESS_TLS_FOLDER,
    hasFsGroup: false,
  })
  const volumesPatch = deploymentPatch({
    metadata: { annotations: { 'reversed-vpn/egress-selector-hash': egressSelectorHash(setting) } },
    spec: {
      containers: [{ name: API_SERVER, volumeMounts: [config.mount, tls.mount] }],
      volumes: [config.volume, tls.volume],
    },
  })
  // Flags are a list without keys, which a merge would replace as a whole; the test makes sure of the container.
  const container = '/spec/template/spec/containers/0'
  const flagPatch = [
    { op: 'test', path: `${container}/name`, value: API_SERVER },
    {
      op: 'add',
      path: `${container}/${setting.apiServerFlagsIn}/-`,
      value: `--egress-selector-config-file=${EGRESS_SELECTOR_FOLDER}/${EGRESS_SELECTOR_KEY}`,
    },
  ]
  // The flag first: merging may bring containers into another order.
  return apiServerComponent(EGRESS_SELECTOR, setting.seedNamespace, [flagPatch, volumesPatch])
}
