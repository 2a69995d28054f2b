import type { ShootCertificates } from '../certificates/pki.js'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import type { CommandResult } from '../hosts/run-command.js'
import { NETWORKS } from '../hosts/topology.js'
import { binOf, Daemon, type DaemonOptions, flags } from './daemon.js'

interface SeedServerOptions extends DaemonOptions {
  readonly certificates: ShootCertificates
  /** Where it runs. @default the seed */
  readonly host?: Host
}

interface EgressRequest {
  /** Where the kube-apiserver is. @default the caller */
  readonly from?: Host
  readonly certificates: {
    readonly apiserver: { readonly certFile: string; readonly keyFile: string }
    readonly egressCa: { readonly certFile: string }
  }
  /** How curl knows the seed. @default 'seed', its name in every hosts file */
  readonly proxyHost?: string
  /** @default the kube-apiserver's */
  readonly client?: { readonly certFile: string; readonly keyFile: string }
  /** Added to curl's arguments. */
  readonly args?: readonly string[]
  /** @default 20000 */
  readonly deadlineMs?: number
}

/** Arguments of a seed-server that forwards what the caller sends by plain routes: it comes by this interface. */
export const ROUTED_CALLER = ['--routed-from', 'control0']

const EGRESS_PORT = 9443
const ADMIN_PORT = 15000

/** Starts our seed-server in the seed with the lab's networks. Resolves when its admin server answers, before it is ready. */
export function startSeedServer(lab: Lab, options: SeedServerOptions): Promise<Daemon> {
  const { seedServer, egressServer, tunnelCa, egressCa } = options.certificates
  const usual = flags({
    'tls-cert': seedServer.certFile,
    'tls-key': seedServer.keyFile,
    'tls-ca': tunnelCa.certFile,
    'egress-tls-cert': egressServer.certFile,
    'egress-tls-key': egressServer.keyFile,
    'egress-tls-ca': egressCa.certFile,
    ...networkFlags(),
  })
  const command = [...(options.command ?? [binOf('seed-server')]), ...usual, ...(options.args ?? [])]
  return Daemon.start(
    options.host ?? lab.hosts.seed,
    command,
    ADMIN_PORT,
    options.env,
    options.startDeadlineMs,
  )
}

/** What the kube-apiserver does: a CONNECT to the egress proxy over mutual TLS, here by curl on the caller. */
export function curlThroughEgress(lab: Lab, url: string, request: EgressRequest): Promise<CommandResult> {
  const { certFile, keyFile } = request.client ?? request.certificates.apiserver
  const proxyArgs = [
    ...['--proxytunnel', '--proxy', `https://${request.proxyHost ?? 'seed'}:${EGRESS_PORT}`],
    ...[
      '--proxy-cert',
      certFile,
      '--proxy-key',
      keyFile,
      '--proxy-cacert',
      request.certificates.egressCa.certFile,
    ],
  ]
  const args = ['-sS', '-g', ...proxyArgs, ...(request.args ?? []), url]
  return (request.from ?? lab.hosts.caller).run('curl', args, { deadlineMs: request.deadlineMs ?? 60_000 })
}

/** The shoot's networks, both families, as both daemons take them. */
export function networkFlags(): Readonly<Record<string, readonly string[]>> {
  return {
    'pod-network': Object.values(NETWORKS.pod),
    'service-network': Object.values(NETWORKS.service),
    'node-network': Object.values(NETWORKS.node),
  }
}
