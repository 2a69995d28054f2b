import { createHash } from 'node:crypto'
import { isAtLeast } from '../../feature-gate/version.js'
import { defineManifest, type Manifest, toYaml, type ValueMap } from '../../manifest/manifest.js'
import { SEED_PORTS, SEED_SERVER } from '../../names.js'
import { mountedConfigMap, mountedSecret } from '../../pod/volumes.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { apiServerComponent, deploymentPatch } from './component.js'

const EGRESS_SELECTOR = 'kube-apiserver-egress-selector'
const CONFIG_KEY = 'egress-selector-configuration.yaml'
const CONFIG_FOLDER = '/etc/kubernetes/egress-selector'
const TLS_FOLDER = '/srv/kubernetes/egress-tls'

/**
 * Where kube-apiserver sends its connections: to the shoot through the egress proxy, anywhere else directly. Kubernetes 1.20
 * introduced `v1beta1`, and renamed `master` to `controlplane`.
 */
function egressSelectorConfiguration({ kubernetesVersion }: RenderSetting): ValueMap {
  const isCurrent = isAtLeast(kubernetesVersion, 1, 20)
  return {
    apiVersion: `apiserver.k8s.io/${isCurrent ? 'v1beta1' : 'v1alpha1'}`,
    kind: 'EgressSelectorConfiguration',
    egressSelections: [
      {
        name: 'cluster',
        connection: {
          proxyProtocol: 'HTTPConnect',
          transport: {
            tcp: {
              url: `https://${SEED_SERVER}:${SEED_PORTS.egress}`,
              tlsConfig: {
                caBundle: `${TLS_FOLDER}/ca.crt`,
                clientCert: `${TLS_FOLDER}/tls.crt`,
                clientKey: `${TLS_FOLDER}/tls.key`,
              },
            },
          },
        },
      },
      { name: isCurrent ? 'controlplane' : 'master', connection: { proxyProtocol: 'Direct' } },
      { name: 'etcd', connection: { proxyProtocol: 'Direct' } },
    ],
  }
}

/** Holds the configuration for kube-apiserver's pod. */
export function egressSelectorConfigMap(setting: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    { apiVersion: 'v1', kind: 'ConfigMap', name: EGRESS_SELECTOR, namespace: setting.seedNamespace },
    { data: { [CONFIG_KEY]: toYaml(egressSelectorConfiguration(setting)) } },
  )
}

/** Gives kube-apiserver the egress selector: two volumes and a flag. */
export function egressSelectorComponent(setting: RenderSetting): Manifest {
  const config = mountedConfigMap('egress-selector', EGRESS_SELECTOR, CONFIG_FOLDER)
  const tls = mountedSecret({
    name: 'egress-tls',
    secretName: setting.secrets.apiServer,
    mountPath: TLS_FOLDER,
    hasFsGroup: false,
  })
  const configText = toYaml(egressSelectorConfiguration(setting))
  // kube-apiserver reads the configuration only at start, so a new one has to replace its pods.
  const hash = createHash('sha256').update(configText).digest('hex')
  const volumesPatch = deploymentPatch(setting, {
    metadata: { annotations: { 'reversed-vpn/egress-selector-hash': hash } },
    spec: {
      containers: [{ name: setting.apiServer.container, volumeMounts: [config.mount, tls.mount] }],
      volumes: [config.volume, tls.volume],
    },
  })
  // Flags are a list without keys, which a merge would replace as a whole. The test makes sure that it is the right container.
  const container = '/spec/template/spec/containers/0'
  const flagPatch = [
    { op: 'test', path: `${container}/name`, value: setting.apiServer.container },
    {
      op: 'add',
      path: `${container}/${setting.apiServer.flagsIn}/-`,
      value: `--egress-selector-config-file=${CONFIG_FOLDER}/${CONFIG_KEY}`,
    },
  ]
  // The flag first: merging may reorder the containers.
  return apiServerComponent(EGRESS_SELECTOR, setting, [flagPatch, volumesPatch])
}
