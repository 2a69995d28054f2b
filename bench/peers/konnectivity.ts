import { flags, type Host, type ShootCertificates } from '@reversed-vpn/test/lab'
import { goProgram } from './go-programs.js'
import type { Peer } from './peer.js'

const EGRESS_PORT = 9443
const AGENT_PORT = 8132
const SERVER_NAME = 'vpn-seed-server'
const AGENT_HEALTH_PORT = 8093
/** Its own default, 4, writes several lines for every connection. */
const QUIET = '0'

/** What Kubernetes has for the same: its agent dials the seed, and each CONNECT is a stream over gRPC. */
export const KONNECTIVITY: Peer = {
  name: 'konnectivity',
  title: 'konnectivity',
  supports: ['egress'],
  programs: ['proxy-server', 'proxy-agent'],
  async open({ hosts: { seed, node } }, certificates) {
    const server = await seed.spawn(goProgram('proxy-server'), serverArgs(certificates))
    await seed.waitForPort(server, AGENT_PORT, { families: 'any' })
    const agent = await node.spawn(goProgram('proxy-agent'), agentArgs(certificates))
    await node.waitForPort(agent, AGENT_HEALTH_PORT, { families: 'any' })
    await waitUntilReady(node)
    return {
      processes: [
        { role: 'seed', pid: server.pid },
        { role: 'shoot', pid: agent.pid },
      ],
      seedDevice: 'wan0',
      egress: { address: seed.addresses.ipv4, portFor: () => EGRESS_PORT, takesConnect: true },
    }
  },
}

function serverArgs({ egressCa, egressServer, tunnelCa, seedServer }: ShootCertificates): string[] {
  return flags({
    mode: 'http-connect',
    'server-port': String(EGRESS_PORT),
    'server-ca-cert': egressCa.certFile,
    'server-cert': egressServer.certFile,
    'server-key': egressServer.keyFile,
    'tls-min-version': 'VersionTLS13',
    'agent-port': String(AGENT_PORT),
    'cluster-ca-cert': tunnelCa.certFile,
    'cluster-cert': seedServer.certFile,
    'cluster-key': seedServer.keyFile,
    v: QUIET,
  })
}

function agentArgs({ tunnelCa, shootClient }: ShootCertificates): string[] {
  return flags({
    'proxy-server-host': SERVER_NAME,
    'proxy-server-port': String(AGENT_PORT),
    'ca-cert': tunnelCa.certFile,
    'agent-cert': shootClient.certFile,
    'agent-key': shootClient.keyFile,
    'health-server-port': String(AGENT_HEALTH_PORT),
    v: QUIET,
  })
}

/** It looks for a server once a second. */
async function waitUntilReady(node: Host): Promise<void> {
  const again = ['--retry', '20', '--retry-delay', '1', '--retry-all-errors']
  await node.mustRun('curl', [
    ...['--silent', '--fail', ...again],
    `http://127.0.0.1:${AGENT_HEALTH_PORT}/readyz`,
  ])
}
