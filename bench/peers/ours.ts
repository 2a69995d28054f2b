import { join } from 'node:path'
import {
  binOf,
  destinationOf,
  type Lab,
  mustRunCommand,
  ROUTED_CALLER,
  type ShootCertificates,
  startConnectGateway,
  startHaproxy,
  startNginxRelay,
  startSeedServer,
  startShootClient,
  startSniGateway,
  webSocketSections,
} from '@reversed-vpn/test/lab'
import type { PeerProcess } from '../measure/peer-process.js'
import { HAPROXY_TIMES } from './haproxy-relay.js'
import type { OpenPath, Peer } from './peer.js'

export const TUN_NAME = 'vpn0'
const TUNNEL_PORT = 1194
const WEB_SOCKET_PORT = 8080
const RELAY_PORT = 9001
const EGRESS_PORT = 9443

export const OURS: Peer = {
  name: 'ours',
  title: 'reversed-vpn',
  supports: ['tcp', 'packets', 'egress', 'egress-routed'],
  open: openOurs,
}

/** The same pair without a TUN: each CONNECT is a stream. */
export const OURS_STREAMS: Peer = {
  name: 'ours-streams',
  title: 'reversed-vpn, streams',
  supports: ['egress'],
  async open(lab, certificates) {
    const processes = await startPair(lab, certificates, { carry: 'streams' })
    return { processes, seedDevice: 'wan0', egress: egressOf(lab) }
  },
}

export const OURS_PROXY: Peer = {
  name: 'ours-proxy',
  title: 'reversed-vpn, CONNECT',
  async open(lab, certificates) {
    const gateway = await startConnectGateway(lab)
    return openThrough(lab, certificates, gateway.process.pid, ['--gateway', gateway.url])
  },
}

export const OURS_GATEWAY: Peer = {
  name: 'ours-gateway',
  title: 'reversed-vpn, sni-gateway',
  async open(lab, certificates) {
    const destination = destinationOf('shoot--lab')
    const backend = `${lab.hosts.seed.addresses.ipv4}:${TUNNEL_PORT}`
    const gateway = await startSniGateway(lab, {
      routes: [{ name: 'lab', destinations: [destination], backend }],
    })
    const args = ['--gateway', gateway.url, '--header', `Reversed-VPN: ${destination}`]
    return openThrough(lab, certificates, gateway.daemon.pid, args)
  },
}

export const OURS_HAPROXY: Peer = {
  name: 'ours-haproxy',
  title: 'reversed-vpn, haproxy',
  async open(lab, certificates) {
    const { gateway, seed } = lab.hosts
    const relay = await startHaproxy(
      lab,
      gateway,
      RELAY_PORT,
      `${HAPROXY_TIMES}
listen relay
  bind :${RELAY_PORT}
  server seed ${seed.addresses.ipv4}:${TUNNEL_PORT}`,
    )
    const server = `${gateway.addresses.ipv4}:${RELAY_PORT}`
    return openThrough(lab, certificates, relay.pid, ['--server', server])
  },
}

export const OURS_WEB_SOCKET: Peer = {
  name: 'ours-websocket',
  title: 'reversed-vpn, WebSocket',
  async open(lab, certificates) {
    const url = `ws://${lab.hosts.seed.addresses.ipv4}:${WEB_SOCKET_PORT}/`
    const args = { seed: WEB_SOCKET_ARGS, client: ['--gateway', url] }
    const processes = await startPair(lab, certificates, args)
    return { processes, seedDevice: TUN_NAME }
  },
}

export const OURS_WEB_SOCKET_NGINX: Peer = {
  name: 'ours-websocket-nginx',
  title: 'reversed-vpn, WebSocket, nginx',
  async open(lab, certificates) {
    const { gateway, seed } = lab.hosts
    const backend = `http://${seed.addresses.ipv4}:${WEB_SOCKET_PORT}`
    const sections = webSocketSections(lab.dir, RELAY_PORT, backend)
    const relay = await startNginxRelay(lab, gateway, RELAY_PORT, sections)
    const url = `ws://${gateway.addresses.ipv4}:${RELAY_PORT}/`
    return openThrough(lab, certificates, relay.pid, ['--gateway', url], WEB_SOCKET_ARGS)
  },
}

const WEB_SOCKET_ARGS = ['--websocket-listen', `[::]:${WEB_SOCKET_PORT}`]

/** The node dials the seed directly. @param checkout the repository with both daemons, built. @default this one */
export async function openOurs(
  lab: Lab,
  certificates: ShootCertificates,
  checkout?: string,
): Promise<OpenPath> {
  const processes = await startPair(lab, certificates, { checkout })
  return { processes, seedDevice: TUN_NAME, egress: egressOf(lab) }
}

function egressOf({ hosts }: Lab): NonNullable<OpenPath['egress']> {
  return { address: hosts.seed.addresses.ipv4, portFor: () => EGRESS_PORT, takesConnect: true }
}

/** A pair with a program of others between the daemons. */
async function openThrough(
  lab: Lab,
  certificates: ShootCertificates,
  proxyPid: number,
  client: readonly string[],
  seed: readonly string[] = [],
): Promise<OpenPath> {
  const pair = await startPair(lab, certificates, { seed, client })
  return { processes: [...pair, { role: 'proxy', pid: proxyPid }], seedDevice: TUN_NAME }
}

interface PairOptions {
  readonly seed?: readonly string[]
  readonly client?: readonly string[]
  /** What both carry. @default what they do by default */
  readonly carry?: 'streams'
  /** The repository with both daemons, built. @default this one */
  readonly checkout?: string | undefined
}

/** Starts both daemons with the options given and the defaults of a user for all others. */
export async function startPair(
  lab: Lab,
  certificates: ShootCertificates,
  { seed = [], client = [], carry, checkout }: PairOptions = {},
): Promise<PeerProcess[]> {
  const command = commandIn(checkout, 'seed-server')
  const carried = carry === undefined ? [] : ['--carry', carry]
  const seedServer = await startSeedServer(lab, {
    certificates,
    // Streams alone are for callers of the egress proxy; both daemons refuse options of packets then.
    args: [...seed, ...(carry === undefined ? await routedCallerOf(command) : carried)],
    command,
  })
  const shootClient = await startShootClient(lab, {
    certificates,
    args: [...client, ...carried],
    command: commandIn(checkout, 'shoot-client'),
  })
  await Promise.all([seedServer.waitUntilReady(), shootClient.waitUntilReady()])
  return [
    { role: 'seed', pid: seedServer.pid },
    { role: 'shoot', pid: shootClient.pid },
  ]
}

function commandIn(checkout: string | undefined, name: 'seed-server' | 'shoot-client'): [string] {
  return [checkout === undefined ? binOf(name) : join(checkout, 'packages', name, 'bin', `${name}.js`)]
}

/** An earlier commit forwards for everybody, and does not start with an option that it does not know. */
async function routedCallerOf([seedServer]: [string]): Promise<readonly string[]> {
  const { stdout } = await mustRunCommand(seedServer, ['--help'])
  return stdout.includes('--routed-from') ? ROUTED_CALLER : []
}
