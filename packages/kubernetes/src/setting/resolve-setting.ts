import { parseCidr } from '@reversed-vpn/ip'
import type { GardenletConfiguration } from '../input/gardenlet-configuration.js'
import { NETWORK_KINDS, overlaps } from '../input/networks.js'
import type { Shoot } from '../input/shoot.js'
import { CONNECT_ENDPOINTS, SNI_GATEWAY_LABELS } from '../names.js'
import { chooseIngress } from './choose-ingress.js'
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
  const endpoint = chooseEndpoint(options, errors)
  const isOurGateway = endpoint === 'sni-gateway'
  const ownPods = { namespace: options.gatewayNamespace, labels: SNI_GATEWAY_LABELS }
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
  const networksOf = (kind: (typeof NETWORK_KINDS)[number]) =>
    shoot.networks[kind].map(({ cidr }) => cidr.text)
  return {
    setting: {
      direction,
      seedNamespace: shoot.seedNamespace,
      kubernetesVersion: shoot.kubernetesVersion,
      networks: { pods: networksOf('pods'), services: networksOf('services'), nodes: networksOf('nodes') },
      families: shoot.families,
      transferNetworks: chooseTransferNetworks(options.vpnNetwork, shoot, errors),
      apiServerHost,
      shootHost,
      endpoint,
      ingress,
      transport: options.transport,
      connect: CONNECT_ENDPOINTS[gates.UseUnifiedHTTPProxyPort ? 'unified' : 'legacy'],
      images: {
        seedServer: options.imageSeedServer,
        shootClient: options.imageShootClient,
      },
      apiServerFlagsIn: options.apiServerFlagsIn,
      apiServerPorts: options.apiServerPort,
      tolerationSeconds: gardenlet.tolerationSeconds,
      hasPodSysctls: options.podSysctls,
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

/** One transfer network for each family of the shoot. It must not overlap the shoot's own networks. */
function chooseTransferNetworks(
  given: RenderOptions['vpnNetwork'],
  shoot: Shoot,
  errors: OptionErrors,
): string[] {
  return shoot.families.map((family) => {
    const [network, second] = given.map(parseCidr).filter((candidate) => candidate.family === family)
    if (network === undefined || second !== undefined)
      throw errors.optionError('vpn-network', `expected one network of IPv${family}, a family of the shoot`)
    for (const kind of NETWORK_KINDS) {
      const taken = shoot.networks[kind].find(({ cidr }) => overlaps(cidr, network))
      if (taken === undefined) continue
      const problem = `${taken.cidr.text} overlaps the transfer network ${network.text}, expected --vpn-network elsewhere`
      throw shoot.file.error(taken.path, problem)
    }
    return network.text
  })
}
