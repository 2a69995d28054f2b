import { createHash } from 'node:crypto'
import { isAtLeast } from '../../feature-gate/kubernetes-version.js'
import { defineManifest, type Manifest, type ValueMap } from '../../manifest/manifest.js'
import { toYaml } from '../../manifest/yaml-text.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { SEED_PORTS, SEED_SERVER } from '../names.js'

export const EGRESS_SELECTOR = 'kube-apiserver-egress-selector'
export const EGRESS_SELECTOR_KEY = 'egress-selector-configuration.yaml'
export const API_SERVER_EGRESS_TLS_FOLDER = '/srv/kubernetes/egress-tls'

/**
 * What kube-apiserver sends where: to the shoot through the seed-server, everything else directly. Kubernetes 1.20 brought
 * `v1beta1`, and the name `controlplane` for what was `master` before.
 */
export function egressSelectorConfiguration({ kubernetesVersion }: RenderSetting): ValueMap {
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
                caBundle: `${API_SERVER_EGRESS_TLS_FOLDER}/ca.crt`,
                clientCert: `${API_SERVER_EGRESS_TLS_FOLDER}/tls.crt`,
                clientKey: `${API_SERVER_EGRESS_TLS_FOLDER}/tls.key`,
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

/** Holds that configuration for kube-apiserver's pod. */
export function egressSelectorConfigMap(setting: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    { apiVersion: 'v1', kind: 'ConfigMap', name: EGRESS_SELECTOR, namespace: setting.seedNamespace },
    { data: { [EGRESS_SELECTOR_KEY]: toYaml(egressSelectorConfiguration(setting)) } },
  )
}

/** Changes with the configuration, which kube-apiserver reads once. */
export function egressSelectorHash(setting: RenderSetting): string {
  return createHash('sha256')
    .update(toYaml(egressSelectorConfiguration(setting)))
    .digest('hex')
}
