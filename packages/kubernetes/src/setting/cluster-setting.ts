import type { Cluster } from '../input/cluster-file.js'
import { MAX_TOLERATION_SECONDS } from '../input/node-toleration.js'
import { CONNECT_ENDPOINTS, ENDPOINT_TLS_PORT, SNI_GATEWAY, SNI_GATEWAY_LABELS } from '../names.js'
import { commonSetting } from './common-setting.js'
import type { OptionErrors } from './option-errors.js'
import type { RenderOptions } from './render-options.js'
import type { RenderSetting } from './render-setting.js'

/** Options about Gardener: a cluster file says the same, or there is no such thing. */
const GARDENER_OPTIONS = {
  gardenlet: 'gardenlet',
  shoot: 'shoot',
  'gardener-version': 'gardenerVersion',
  'node-network': 'nodeNetwork',
  istio: 'istio',
  gateway: 'gateway',
  'gateway-namespace': 'gatewayNamespace',
  'exposure-handler': 'exposureHandler',
  zone: 'zone',
  'api-server-host': 'apiServerHost',
  'shoot-host': 'shootHost',
} as const satisfies Record<string, keyof RenderOptions>

/** @throws UsageError for an option that has no place beside `--cluster` */
export function refuseGardenerOptions(options: RenderOptions, { optionError }: OptionErrors): void {
  for (const [flag, key] of Object.entries(GARDENER_OPTIONS)) {
    const value = options[key]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    throw optionError(flag, 'is for Gardener, and --cluster for Kubernetes without it, expected one of them')
  }
}

/**
 * Combines the flags and a cluster file: who dials follows from what there is to be dialled.
 * @throws UsageError naming the flag, or file and path
 */
export function clusterSetting(
  options: RenderOptions,
  cluster: Cluster,
  errors: OptionErrors,
): RenderSetting {
  const { gateway, loadBalancer, apiServer } = cluster
  const connect = CONNECT_ENDPOINTS.legacy
  const defaultPort = options.transport === 'sni' ? ENDPOINT_TLS_PORT : connect.port
  const [who, what] = gateway ? ['the shoot dials', 'gateway'] : ['the seed dials', 'loadBalancer']
  return {
    ...commonSetting(options, cluster, errors),
    direction: {
      isReversed: gateway !== undefined,
      reason: 'cluster-file',
      explanation: `${who}: ${cluster.file.file} has ${what}`,
      warnings: [],
    },
    platform: 'kubernetes',
    seedNamespace: cluster.seedNamespace,
    shootNamespace: cluster.shootNamespace,
    kubernetesVersion: cluster.kubernetesVersion,
    endpoint: 'sni-gateway',
    endpointAddress: { host: gateway?.address ?? '', port: gateway?.port ?? defaultPort },
    shootHost: loadBalancer?.address ?? '',
    ingress: { namespace: gateway?.namespace ?? SNI_GATEWAY, labels: SNI_GATEWAY_LABELS },
    connect,
    secrets: cluster.secrets,
    apiServer: {
      deployment: apiServer.deployment,
      container: apiServer.container,
      labels: apiServer.labels,
      flagsIn: options.apiServerFlagsIn,
      ports: options.apiServerPort,
    },
    tolerationSeconds: { notReady: MAX_TOLERATION_SECONDS, unreachable: MAX_TOLERATION_SECONDS },
  }
}
