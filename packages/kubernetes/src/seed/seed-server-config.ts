import type { DaemonConfig } from '../pod/config-text.js'
import { CONFIG_FOLDER } from '../pod/containers.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { SEED_PORTS } from './names.js'

/** Where the seed-server's certificates are mounted. */
export const SEED_TLS_FOLDER = `${CONFIG_FOLDER}-tls`
export const EGRESS_TLS_FOLDER = `${CONFIG_FOLDER}-egress-tls`

/** Configuration of a seed-server that the shoot dials, and that kube-apiserver asks for connections. */
export function listeningSeedConfig(setting: RenderSetting): DaemonConfig {
  return {
    listen: `[::]:${SEED_PORTS.tunnel}`,
    ...tlsFiles(SEED_TLS_FOLDER, 'tls'),
    'egress-listen': [`[::]:${SEED_PORTS.egress}`],
    ...tlsFiles(EGRESS_TLS_FOLDER, 'egress-tls'),
    'admin-listen': `[::]:${SEED_PORTS.admin}`,
    ...networks(setting),
  }
}

/** Configuration of a seed-server in kube-apiserver's own pod, which is routed into the tunnel and needs no proxy. */
export function diallingSeedConfig(setting: RenderSetting, shootPort: number): DaemonConfig {
  return {
    dial: `${setting.shootHost}:${shootPort}`,
    ...tlsFiles(SEED_TLS_FOLDER, 'tls'),
    'egress-listen': [],
    'admin-listen': `[::]:${SEED_PORTS.admin}`,
    ...networks(setting),
  }
}

function tlsFiles(folder: string, prefix: string): DaemonConfig {
  return {
    [`${prefix}-cert`]: `${folder}/tls.crt`,
    [`${prefix}-key`]: `${folder}/tls.key`,
    [`${prefix}-ca`]: `${folder}/ca.crt`,
  }
}

function networks({ networks: { pods, services, nodes }, transferNetworks }: RenderSetting): DaemonConfig {
  return {
    'pod-network': pods,
    'service-network': services,
    'node-network': nodes,
    'vpn-network': transferNetworks,
    // The init container makes the network; without it the daemon could not, and says so.
    'network-setup': 'prepared',
  }
}
