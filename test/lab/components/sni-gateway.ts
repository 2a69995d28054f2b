import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import { binOf, Daemon, flags } from './daemon.js'

/** One entry of a routes file; see the README of the package. */
export interface GatewayRoute {
  readonly name: string
  readonly serverNames?: readonly string[]
  readonly alpn?: string
  readonly destinations?: readonly string[]
  readonly backend: string
  readonly proxyProtocol?: 'v1' | 'v2'
}

interface SniGatewayOptions {
  readonly routes: readonly GatewayRoute[]
  /** @default the lab's gateway */
  readonly host?: Host
  readonly args?: readonly string[]
  /** The program to start, path and first arguments. @default the one of this repository */
  readonly command?: readonly string[]
}

export interface SniGateway {
  readonly daemon: Daemon
  /** As the shoot-client's `--gateway` takes it: its CONNECT port. */
  readonly url: string
  /** Its TLS port as `HOST:PORT`. */
  readonly tlsAddress: string
  /** Puts other routes into its file, at once and as a whole. */
  writeRoutes(routes: readonly GatewayRoute[]): Promise<void>
}

const ADMIN_PORT = 15002
const TLS_PORT = 443
const CONNECT_PORT = 8132

/** What a routing header says to get to the seed-server of a shoot. */
export function destinationOf(shoot: string): string {
  return `outbound|1194||vpn-seed-server.${shoot}.svc.cluster.local`
}

/** Starts our sni-gateway. Resolves when it takes connections. */
export async function startSniGateway(lab: Lab, options: SniGatewayOptions): Promise<SniGateway> {
  const { routes, host = lab.hosts.gateway, args = [], command: program = [binOf('sni-gateway')] } = options
  const file = join(lab.dir, `routes-${host.name}.yaml`)
  const writeRoutes = async (all: readonly GatewayRoute[]) => {
    // JSON is YAML.
    await writeFile(`${file}.new`, JSON.stringify({ routes: all }))
    await rename(`${file}.new`, file)
  }
  await writeRoutes(routes)
  const command = [...program, ...flags({ routes: file }), ...args]
  const daemon = await Daemon.start(host, command, ADMIN_PORT)
  await daemon.waitForLog(({ msg }) => msg === 'sni-gateway started')
  return {
    daemon,
    url: `http://${host.addresses.ipv4}:${CONNECT_PORT}`,
    tlsAddress: `${host.addresses.ipv4}:${TLS_PORT}`,
    writeRoutes,
  }
}
