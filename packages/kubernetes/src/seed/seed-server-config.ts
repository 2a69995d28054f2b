import { formatEndpoint } from '@reversed-vpn/daemon'
import { SEED_PORTS, SHOOT_PORTS } from '../names.js'
import { CONFIG_FOLDER, type DaemonConfig } from '../pod/config.js'
import type { RenderSetting } from '../setting/render-setting.js'

/** Where the seed-server's certificates are mounted. */
export const SEED_TLS_FOLDER = `${CONFIG_FOLDER}-tls`
export const EGRESS_TLS_FOLDER = `${CONFIG_FOLDER}-egress-tls`

/** Configuration of a seed-server that the shoot dials, and whose egress proxy kube-apiserver uses. */
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

/** Configuration of a seed-server in kube-apiserver's own pod, which is routed into the tunnel and needs no egress proxy. */
export function diallingSeedConfig(setting: RenderSetting): DaemonConfig {
  return {
    dial: formatEndpoint({ type: 'tcp', host: setting.shootHost, port: SHOOT_PORTS.tunnel }),
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
    // By the init container. Without it the daemon, which may not change networks, refuses to start.
    'network-setup': 'prepared',
  }
}
