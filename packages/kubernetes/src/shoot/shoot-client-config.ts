import { ENDPOINT_PORTS } from '../endpoint/endpoint-ports.js'
import type { DaemonConfig } from '../pod/config-text.js'
import { CONFIG_FOLDER } from '../pod/containers.js'
import { SEED_PORTS, SEED_SERVER, seedServerDestination, seedServerHost } from '../seed/names.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SHOOT_PORTS } from './names.js'

export const SHOOT_TLS_FOLDER = `${CONFIG_FOLDER}-tls`

/** Configuration of the shoot-client. It lets in the networks that it is told here, whatever the seed announces. */
export function shootClientConfig(setting: RenderSetting): DaemonConfig {
  const { pods, services, nodes } = setting.networks
  return {
    ...way(setting),
    'tls-cert': `${SHOOT_TLS_FOLDER}/tls.crt`,
    'tls-key': `${SHOOT_TLS_FOLDER}/tls.key`,
    'tls-ca': `${SHOOT_TLS_FOLDER}/ca.crt`,
    'admin-listen': `[::]:${SHOOT_PORTS.admin}`,
    'pod-network': pods,
    'service-network': services,
    'node-network': nodes,
    // For the init container, which makes the network before a seed-server has announced any.
    'vpn-network': setting.transferNetworks,
    'network-setup': 'prepared',
  }
}

function way({ direction, transport, apiServerHost, seedNamespace }: RenderSetting): DaemonConfig {
  if (!direction.isReversed) return { listen: `[::]:${SHOOT_PORTS.tunnel}` }
  if (transport === 'sni') {
    return {
      server: `${apiServerHost}:${ENDPOINT_PORTS.tls}`,
      sni: seedServerHost(seedNamespace),
      'server-name': SEED_SERVER,
    }
  }
  return {
    gateway: `http://${apiServerHost}:${ENDPOINT_PORTS.connect}`,
    header: [`Reversed-VPN: ${seedServerDestination(seedNamespace)}`],
    server: `${seedServerHost(seedNamespace)}:${SEED_PORTS.tunnel}`,
    'server-name': SEED_SERVER,
  }
}
