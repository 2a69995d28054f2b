import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Lab, NETWORKS, type ShootCertificates } from '@reversed-vpn/test/lab'
import { masquerade } from './masquerade.js'
import type { Peer } from './peer.js'

const DEVICE = 'tunc'
const PORT = 1194
const SEED_ADDRESS = '10.99.0.1'
const SHOOT_ADDRESS = '10.99.0.2'

/**
 * Any other tunnel program, for a comparison on the same path. It is started as
 * `PROGRAM server|client SEED-IP PORT PKI-DIR LOCAL-IP`, creates the interface `tunc` with LOCAL-IP/24, and prints `up` when
 * both ends are connected. Routes and masquerading are set here, equal to those of the other peers.
 */
export function externalPeer(name: string, program: string): Peer {
  return {
    name,
    title: name,
    isExternal: true,
    async open(lab, certificates) {
      const pkiDir = await writePki(lab, certificates)
      const { seed, node } = lab.hosts
      const argsOf = (side: string, localAddress: string) => {
        return [side, seed.addresses.ipv4, String(PORT), pkiDir, localAddress]
      }
      const server = await seed.spawn(program, argsOf('server', SEED_ADDRESS))
      await seed.waitForPort(server, PORT)
      const client = await node.spawn(program, argsOf('client', SHOOT_ADDRESS))
      await Promise.all([server, client].map((end) => end.waitForLine(/^up$/)))
      await seed.ip(
        [NETWORKS.pod, NETWORKS.service, NETWORKS.node].map(({ ipv4 }) => `route add ${ipv4} dev ${DEVICE}`),
      )
      await masquerade(seed, 'oifname', DEVICE)
      await masquerade(node, 'iifname', DEVICE)
      return {
        processes: [
          { role: 'seed', pid: server.pid },
          { role: 'shoot', pid: client.pid },
        ],
        seedDevice: DEVICE,
      }
    },
  }
}

async function writePki(lab: Lab, { tunnelCa, seedServer, shootClient }: ShootCertificates): Promise<string> {
  const dir = join(lab.dir, 'external-pki')
  await mkdir(dir, { mode: 0o700 })
  const files: readonly [string, string][] = [
    [tunnelCa.certFile, 'ca.crt'],
    [seedServer.certFile, 'server.crt'],
    [seedServer.keyFile, 'server.key'],
    [shootClient.certFile, 'client.crt'],
    [shootClient.keyFile, 'client.key'],
  ]
  await Promise.all(files.map(([from, to]) => copyFile(from, join(dir, to))))
  return dir
}
