import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type KeyPair, type Lab, NODE_PUBLIC, startHaproxy } from '@reversed-vpn/test/lab'
import { IPERF_PORT } from '../measure/iperf.js'
import { SOCKPERF_PORT } from '../measure/sockperf.js'
import type { Peer } from './peer.js'

/** Longer than the keepalive interval of a tunnel. */
export const HAPROXY_TIMES =
  'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m'

/** The node's port for each of the pod's. */
const NODE_PORTS: ReadonlyMap<number, number> = new Map([
  [IPERF_PORT, 9101],
  [SOCKPERF_PORT, 9102],
])

/** The cost of TLS over the same path without a TUN: TCP to the seed, mutual TLS to the node, TCP to the pod. */
export const HAPROXY_RELAY: Peer = {
  name: 'haproxy-relay',
  title: 'two haproxy, TLS relay',
  supports: ['tcp'],
  async open(lab, { tunnelCa, seedServer, shootClient }) {
    const { seed, node, pod1 } = lab.hosts
    // Here the seed dials, and the node's firewall would drop that.
    const ports = [...NODE_PORTS.values()]
    await node.nft(`add rule inet lab direct tcp dport { ${ports.join(', ')} } accept\n`)
    const nodeFile = await certificateAndKey(lab, 'node', seedServer)
    const seedFile = await certificateAndKey(lab, 'seed', shootClient)
    const tls = `ca-file ${tunnelCa.certFile} verify required`
    const [nodeEnd, seedEnd] = [
      relayEnds(
        (podPort, nodePort) => `  bind :${nodePort} ssl crt ${nodeFile} ${tls} ssl-min-ver TLSv1.3
  server pod ${pod1.addresses.ipv4}:${podPort}`,
      ),
      relayEnds(
        (podPort, nodePort) => `  bind :${podPort}
  server node ${NODE_PUBLIC.ipv4}:${nodePort} ssl crt ${seedFile} ${tls}`,
      ),
    ]
    const shoot = await startHaproxy(lab, node, ports[0] ?? 0, nodeEnd)
    const relay = await startHaproxy(lab, seed, IPERF_PORT, seedEnd)
    return {
      processes: [
        { role: 'seed', pid: relay.pid },
        { role: 'shoot', pid: shoot.pid },
      ],
      seedDevice: 'wan0',
      podAddress: seed.addresses.ipv4,
    }
  },
}

/** haproxy reads both from one file. */
export async function certificateAndKey(
  lab: Lab,
  name: string,
  { certFile, keyFile }: KeyPair,
): Promise<string> {
  const file = join(lab.dir, `haproxy-${name}.pem`)
  const parts = await Promise.all([certFile, keyFile].map((part) => readFile(part, 'utf8')))
  await writeFile(file, parts.join(''), { mode: 0o600 })
  return file
}

function relayEnds(lines: (podPort: number, nodePort: number) => string): string {
  const listens = [...NODE_PORTS].map(
    ([podPort, nodePort]) => `listen port${podPort}\n${lines(podPort, nodePort)}`,
  )
  return [HAPROXY_TIMES, ...listens].join('\n')
}
