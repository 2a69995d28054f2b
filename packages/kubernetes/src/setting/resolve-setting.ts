import type { GardenletConfiguration } from '../input/gardenlet-configuration.js'
import type { Shoot } from '../input/shoot.js'
import {
  API_SERVER,
  API_SERVER_LABELS,
  CONNECT_ENDPOINTS,
  ENDPOINT_TLS_PORT,
  SECRETS,
  SNI_GATEWAY,
  SNI_GATEWAY_LABELS,
  VPN_SHOOT_NAMESPACE,
} from '../names.js'
import { chooseIngress } from './choose-ingress.js'
import { commonSetting } from './common-setting.js'
import type { OptionErrors } from './option-errors.js'
import type { RenderOptions } from './render-options.js'
import type { RenderSetting } from './render-setting.js'
import { resolveDirection, resolveGates } from './resolve-direction.js'

interface ResolvedSetting {
  readonly setting: RenderSetting
  /** What a person should know although it can be rendered, one sentence each. */
  readonly warnings: readonly string[]
}

/**
 * Combines the flags, the gardenlet configuration and the Shoot.
 * @throws UsageError naming the file and path, or the flag
 */
export function resolveSetting(
  options: RenderOptions,
  gardenlet: GardenletConfiguration,
  shoot: Shoot,
  errors: OptionErrors,
): ResolvedSetting {
  const gates = resolveGates(options, gardenlet, shoot)
  const direction = resolveDirection(gates, gardenlet, shoot)
  const connect = CONNECT_ENDPOINTS[gates.UseUnifiedHTTPProxyPort ? 'unified' : 'legacy']
  const endpoint = chooseEndpoint(options, errors)
  const isOurGateway = endpoint === 'sni-gateway'
  const ownPods = { namespace: options.gatewayNamespace ?? SNI_GATEWAY, labels: SNI_GATEWAY_LABELS }
  // Where the seed dials, no manifest names the endpoint.
  const isNamed = direction.isReversed && !isOurGateway
  const ingress = isNamed ? chooseIngress(options, gardenlet, shoot, errors) : ownPods
  const domain = shoot.domain ?? `${shoot.name}.${shoot.namespace}.invalid`
  const apiServerHost = options.apiServerHost ?? shoot.apiServerHosts[0] ?? `api.${domain}`
  const shootHost = options.shootHost ?? `vpn-shoot.${domain}`
  const dialled = direction.isReversed ? apiServerHost : shootHost
  const flag = direction.isReversed ? '--api-server-host' : '--shoot-host'
  const warnings = [...shoot.warnings, ...direction.warnings]
  if (dialled.endsWith('.invalid'))
    warnings.push(
      `${shoot.file.file} has no spec.dns.domain and ${flag} is not given: ` +
        `the name that is dialled, ${dialled}, does not resolve`,
    )
  if (isOurGateway && shoot.exposureClassName !== undefined)
    warnings.push(
      `spec.exposureClassName of ${shoot.file.file} has no effect with --gateway, which is one for all shoots`,
    )
  return {
    setting: {
      ...commonSetting(options, shoot, errors),
      direction,
      platform: 'gardener',
      seedNamespace: shoot.seedNamespace,
      shootNamespace: VPN_SHOOT_NAMESPACE,
      kubernetesVersion: shoot.kubernetesVersion,
      endpoint,
      endpointAddress: {
        host: apiServerHost,
        port: options.transport === 'sni' ? ENDPOINT_TLS_PORT : connect.port,
      },
      shootHost,
      ingress,
      connect,
      secrets: SECRETS,
      apiServer: {
        deployment: API_SERVER,
        container: API_SERVER,
        labels: API_SERVER_LABELS,
        flagsIn: options.apiServerFlagsIn,
        ports: options.apiServerPort,
      },
      tolerationSeconds: gardenlet.tolerationSeconds,
    },
    warnings,
  }
}

function chooseEndpoint({ istio, gateway }: RenderOptions, errors: OptionErrors): RenderSetting['endpoint'] {
  if (gateway === true) {
    if (istio === true)
      throw errors.optionError('gateway', 'only one endpoint is possible: leave out --istio or --gateway')
    return 'sni-gateway'
  }
  if (istio === false)
    throw errors.optionError('istio', 'there is no endpoint without it, expected --gateway')
  return 'istio'
}
