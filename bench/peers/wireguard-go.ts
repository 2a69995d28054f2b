import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Host, type Lab, type LabProcess, mustRunCommand, NETWORKS } from '@reversed-vpn/test/lab'
import { goProgram } from './go-programs.js'
import { masquerade } from './masquerade.js'
import type { Peer } from './peer.js'

const PORT = 51820
const SEED_ADDRESS = '10.98.0.1'
const SHOOT_ADDRESS = '10.98.0.2'
const SHOOT_NETWORKS = [NETWORKS.pod, NETWORKS.service, NETWORKS.node].map(({ ipv4 }) => ipv4)
/** Here `wg` finds a tunnel by the name of its interface, in any namespace. */
const CONTROL_DIR = '/var/run/wireguard'

interface End {
  readonly host: Host
  readonly device: string
  readonly keyFile: string
  readonly publicKey: string
  readonly address: string
}

/** WireGuard in user space, over UDP; the node dials, as it does with all others. */
export const WIREGUARD_GO: Peer = {
  name: 'wireguard-go',
  title: 'wireguard-go, UDP',
  programs: ['wireguard-go'],
  async open(lab) {
    const [seed, node] = [
      await newEnd(lab, lab.hosts.seed, SEED_ADDRESS),
      await newEnd(lab, lab.hosts.node, SHOOT_ADDRESS),
    ]
    const server = await start(seed, ['listen-port', String(PORT)], {
      end: node,
      args: ['allowed-ips', [`${SHOOT_ADDRESS}/32`, ...SHOOT_NETWORKS].join()],
    })
    const endpoint = `${lab.hosts.seed.addresses.ipv4}:${PORT}`
    const client = await start(node, [], {
      end: seed,
      args: ['allowed-ips', `${SEED_ADDRESS}/32`, 'endpoint', endpoint, 'persistent-keepalive', '10'],
    })
    await seed.host.ip(SHOOT_NETWORKS.map((network) => `route add ${network} dev ${seed.device}`))
    await masquerade(seed.host, 'oifname', seed.device)
    await masquerade(node.host, 'iifname', node.device)
    await node.host.mustRun('ping', ['-c', '1', '-W', '5', SEED_ADDRESS])
    return {
      processes: [
        { role: 'seed', pid: server.pid },
        { role: 'shoot', pid: client.pid },
      ],
      seedDevice: seed.device,
    }
  },
}

async function newEnd({ id, dir }: Lab, host: Host, address: string): Promise<End> {
  const { stdout: privateKey } = await mustRunCommand('wg', ['genkey'])
  const { stdout: publicKey } = await mustRunCommand('wg', ['pubkey'], { input: privateKey })
  // At most 15 characters, and unique among all labs.
  const device = `wg${host.name.slice(0, 1)}-${id.slice(-6)}`
  const keyFile = join(dir, `${device}.key`)
  await writeFile(keyFile, privateKey, { mode: 0o600 })
  return { host, device, keyFile, publicKey: publicKey.trim(), address }
}

async function start(
  { host, device, keyFile, address }: End,
  args: readonly string[],
  peer: { readonly end: End; readonly args: readonly string[] },
): Promise<LabProcess> {
  await mkdir(CONTROL_DIR, { recursive: true, mode: 0o700 })
  const daemon = await host.spawn(goProgram('wireguard-go'), ['--foreground', device], {
    env: { LOG_LEVEL: 'verbose', WG_PROCESS_FOREGROUND: '1' },
  })
  await daemon.waitForLine(/UAPI listener started/)
  const keys = ['private-key', keyFile, ...args, 'peer', peer.end.publicKey, ...peer.args]
  await host.mustRun('wg', ['set', device, ...keys])
  await host.ip([`addr add ${address}/24 dev ${device}`, `link set ${device} up`])
  return daemon
}
