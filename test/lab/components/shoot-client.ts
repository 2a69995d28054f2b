import type { KeyPair } from '../certificates/openssl-authority.js'
import { SEED_SERVER_NAME, type ShootCertificates } from '../certificates/pki.js'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import type { ConnectGateway } from './connect-gateway.js'
import { binOf, Daemon, type DaemonOptions, flags } from './daemon.js'

interface ShootClientOptions extends DaemonOptions {
  readonly certificates: ShootCertificates
  /** Shown instead of the shoot-client's own. */
  readonly client?: KeyPair
  /** @default the lab's node */
  readonly host?: Host
  /** Goes through its CONNECT. @default straight to the seed */
  readonly gateway?: ConnectGateway
}

const TUNNEL_PORT = 1194
const ADMIN_PORT = 15001

/** Starts our shoot-client. Resolves when its admin server answers, before the tunnel is up. */
export function startShootClient(lab: Lab, options: ShootClientOptions): Promise<Daemon> {
  const { certFile, keyFile } = options.client ?? options.certificates.shootClient
  const usual = flags({
    gateway: options.gateway?.url,
    server: `${lab.hosts.seed.addresses.ipv4}:${TUNNEL_PORT}`,
    'server-name': SEED_SERVER_NAME,
    'tls-cert': certFile,
    'tls-key': keyFile,
    'tls-ca': options.certificates.tunnelCa.certFile,
  })
  const command = [...(options.command ?? [binOf('shoot-client')]), ...usual, ...(options.args ?? [])]
  return Daemon.start(
    options.host ?? lab.hosts.node,
    command,
    ADMIN_PORT,
    options.env,
    options.startDeadlineMs,
  )
}
