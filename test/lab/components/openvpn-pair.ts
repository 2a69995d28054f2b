import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SHOOT_CLIENT_NAME, type ShootCertificates } from '../certificates/pki.js'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import type { LabProcess } from '../hosts/lab-process.js'
import { NETWORKS } from '../hosts/topology.js'
import type { ConnectGateway } from './connect-gateway.js'

interface OpenvpnOptions {
  readonly certificates: ShootCertificates
  /** Goes through its CONNECT. @default straight to the seed */
  readonly gateway?: Pick<ConnectGateway, 'url'>
  /** Sent with CONNECT, as gateways want that route by header. @default none */
  readonly headers?: readonly { readonly name: string; readonly value: string }[]
  /** @default 'ovpn0' */
  readonly tun?: string
  /** Added to both command lines, such as `--txqueuelen 1000`. */
  readonly extraArgs?: readonly string[]
}

interface OpenvpnPair extends AsyncDisposable {
  readonly server: LabProcess
  readonly client: LabProcess
}

const PORT = 1194
const SHOOT_NETWORKS = [NETWORKS.pod, NETWORKS.service, NETWORKS.node]

/**
 * OpenVPN over TCP with AES-256-GCM, set up as Gardener runs it: server in the seed, client on the node, routes for the
 * shoot's networks on the server, and the masquerading that our own tunnel does on both sides. Resolves when it is up.
 */
export async function startOpenvpnPair(lab: Lab, options: OpenvpnOptions): Promise<OpenvpnPair> {
  const tun = options.tun ?? 'ovpn0'
  const { seed, node } = lab.hosts
  const clientDir = join(lab.dir, 'openvpn-clients')
  await mkdir(clientDir, { recursive: true })
  await writeFile(join(clientDir, SHOOT_CLIENT_NAME), innerRoutes())
  await Promise.all([seed.nft(masquerade(`oifname "${tun}"`)), node.nft(masquerade(`iifname "${tun}"`))])
  const server = await seed.spawn('openvpn', serverArgs(tun, clientDir, options))
  await server.waitForLine(/Initialization Sequence Completed/)
  const client = await node.spawn('openvpn', clientArgs(tun, lab, options))
  await client.waitForLine(/Initialization Sequence Completed/, { deadlineMs: 60_000 })
  return {
    server,
    client,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([client.stop(), server.stop()])
      await Promise.all([seed, node].map(forgetMasquerade))
    },
  }
}

function serverArgs(
  tun: string,
  clientDir: string,
  { certificates, extraArgs = [] }: OpenvpnOptions,
): string[] {
  return [
    ...commonArgs(
      tun,
      certificates.tunnelCa.certFile,
      certificates.seedServer.certFile,
      certificates.seedServer.keyFile,
    ),
    ...['--proto', 'tcp6-server', '--port', String(PORT), '--dh', 'none', '--topology', 'subnet'],
    ...['--server', '192.168.123.0', '255.255.255.0', '--server-ipv6', NETWORKS.vpn.ipv6],
    ...['--client-config-dir', clientDir, '--keepalive', '10', '60', '--remote-cert-tls', 'client'],
    ...SHOOT_NETWORKS.flatMap(({ ipv4, ipv6 }) => ['--route', ...dotted(ipv4), '--route-ipv6', ipv6]),
    ...extraArgs,
  ]
}

function clientArgs(
  tun: string,
  lab: Lab,
  { certificates, gateway, headers, extraArgs = [] }: OpenvpnOptions,
): string[] {
  const proxy = gateway === undefined ? [] : proxyArgs(gateway.url, headers)
  return [
    ...commonArgs(
      tun,
      certificates.tunnelCa.certFile,
      certificates.shootClient.certFile,
      certificates.shootClient.keyFile,
    ),
    ...[
      '--client',
      '--nobind',
      '--proto',
      'tcp4-client',
      '--remote',
      lab.hosts.seed.addresses.ipv4,
      String(PORT),
    ],
    ...['--remote-cert-tls', 'server', '--connect-retry', '1', '1'],
    ...proxy,
    ...extraArgs,
  ]
}

function proxyArgs(url: string, headers: OpenvpnOptions['headers'] = []): string[] {
  const { hostname, port } = new URL(url)
  const fields = headers.flatMap(({ name, value }) => ['--http-proxy-option', 'CUSTOM-HEADER', name, value])
  return ['--http-proxy', hostname, port, '--http-proxy-timeout', '5', ...fields]
}

function commonArgs(tun: string, ca: string, cert: string, key: string): string[] {
  return [
    ...['--dev', tun, '--dev-type', 'tun', '--ca', ca, '--cert', cert, '--key', key, '--verb', '3'],
    ...['--data-ciphers', 'AES-256-GCM', '--cipher', 'AES-256-GCM', '--auth', 'SHA256', '--persist-tun'],
  ]
}

/** Which of the server's clients the shoot's networks are behind (`iroute` in openvpn(8)). */
function innerRoutes(): string {
  const lines = SHOOT_NETWORKS.flatMap(({ ipv4, ipv6 }) => [
    `iroute ${dotted(ipv4).join(' ')}`,
    `iroute-ipv6 ${ipv6}`,
  ])
  return `${lines.join('\n')}\n`
}

function dotted(cidr: string): [string, string] {
  const [address = '', prefix = '32'] = cidr.split('/')
  const mask = (0xffffffff << (32 - Number(prefix))) >>> 0
  return [address, [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')]
}

function masquerade(match: string): string {
  return `table inet lab_openvpn {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${match} masquerade
  }
}
`
}

async function forgetMasquerade(host: Host): Promise<void> {
  await host.nft('delete table inet lab_openvpn\n')
}
