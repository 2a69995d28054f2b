import { formatEndpoint } from '@reversed-vpn/daemon'
import { SEED_PORTS, SEED_SERVER, SHOOT_PORTS, seedServerDestination, seedServerHost } from '../names.js'
import { CONFIG_FOLDER, type DaemonConfig } from '../pod/config.js'
import type { RenderSetting } from '../setting/render-setting.js'

export const SHOOT_TLS_FOLDER = `${CONFIG_FOLDER}-tls`

/** Configuration of the shoot-client. It allows packets to the networks given here, whatever the seed announces. */
export function shootClientConfig(setting: RenderSetting): DaemonConfig {
  const { pods, services, nodes } = setting.networks
  return {
    ...transportOptions(setting),
    'tls-cert': `${SHOOT_TLS_FOLDER}/tls.crt`,
    'tls-key': `${SHOOT_TLS_FOLDER}/tls.key`,
    'tls-ca': `${SHOOT_TLS_FOLDER}/ca.crt`,
    'admin-listen': `[::]:${SHOOT_PORTS.admin}`,
    'pod-network': pods,
    'service-network': services,
    'node-network': nodes,
    // For the init container, which runs before any seed-server has announced transfer networks.
    'vpn-network': setting.transferNetworks,
    'network-setup': 'prepared',
  }
}

function transportOptions({
  direction,
  transport,
  connect,
  endpointAddress,
  seedNamespace,
}: RenderSetting): DaemonConfig {
  if (!direction.isReversed) return { listen: `[::]:${SHOOT_PORTS.tunnel}` }
  const endpoint = formatEndpoint({ type: 'tcp', ...endpointAddress })
  if (transport === 'sni') {
    return {
      server: endpoint,
      sni: seedServerHost(seedNamespace),
      'server-name': SEED_SERVER,
    }
  }
  return {
    gateway: `http://${endpoint}`,
    header: [`${connect.header}: ${seedServerDestination(seedNamespace)}`],
    server: `${seedServerHost(seedNamespace)}:${SEED_PORTS.tunnel}`,
    'server-name': SEED_SERVER,
  }
}
