import type { Test } from 'tap'
import { type Clusters, PRINTER, Stranger } from '../cluster/index.js'
import type { PolicyEngine } from '../cluster/policy-engine.js'
import { API_SERVER_LABELS } from '../cluster/shoot-control-plane.js'
import { LET_IN_S, VAIN_S } from '../cluster/stranger.js'
import { PUBLIC_DNS } from '../cluster/topology.js'

const GATEWAY = 'sni-gateway'
const DEADLINE_MS = 300_000
/** Exit code of the program `timeout`. */
const NO_ANSWER = 124

/** Who gets to the pods at both ends of the tunnel, and who does once nobody judges any more. */
export async function judgePolicies(
  t: Test,
  clusters: Clusters,
  engines: readonly PolicyEngine[],
): Promise<void> {
  const { seed, seedNamespace } = clusters
  const port = (number: number) => `vpn-seed-server.${seedNamespace}:${number}`
  const [egress, tunnel] = [port(9443), port(1194)]
  const [here, atGateway] = await Promise.all([
    Stranger.start(seed, seedNamespace),
    Stranger.start(seed, GATEWAY),
  ])
  const kept = [here.connectInVain(egress), atGateway.connectInVain(tunnel), toShootClient(clusters, VAIN_S)]
  const [bySeedServer, ...strangers] = await Promise.all([ofSeedServer(clusters, VAIN_S), ...kept])
  t.match(strangers, [/^TIMEOUT/, /^TIMEOUT/, /^TIMEOUT/])
  t.equal(bySeedServer, `name server: 0, kube-apiserver: ${NO_ANSWER}\n`)
  await Promise.all([here.label(API_SERVER_LABELS), atGateway.label({ app: GATEWAY })])
  t.strictSame(await Promise.all([here.connect(egress), atGateway.connect(tunnel)]), ['', ''])
  const otherPort = [here.connectInVain(tunnel), atGateway.connectInVain(egress)]
  t.match(await Promise.all(otherPort), [/^TIMEOUT/, /^TIMEOUT/], 'each to its port alone')
  await Promise.all([here, atGateway].map((one) => one.label({ app: 'stranger' })))
  for (const engine of engines) await engine.leaveOut()
  const all = [here.connect(egress), atGateway.connect(tunnel), toShootClient(clusters, LET_IN_S)]
  const byAll = [...all, ofSeedServer(clusters, LET_IN_S)]
  const open = [/^$/, /^$/, /^REFUSED/, /^name server: 0, kube-apiserver: 0$/m]
  t.match(await Promise.all(byAll), open, 'it was the policies that kept them out')
}

/** Whom the seed-server's pod reaches, by exit codes. @param seconds until it gives up */
async function ofSeedServer({ seed, seedNamespace }: Clusters, seconds: number): Promise<string> {
  const service = [
    'get',
    'service',
    'kube-apiserver',
    '-n',
    seedNamespace,
    '-o',
    'jsonpath={.spec.clusterIP}',
  ]
  const { stdout: address } = await seed.mustKubectl(service)
  // It asks the name servers of its node alone, which do not know this Service.
  const script = `bash -c '</dev/tcp/${PUBLIC_DNS}/53'; echo -n "name server: $?, "
timeout ${seconds} bash -c '</dev/tcp/${address}/443'; echo "kube-apiserver: $?"`
  const exec = ['exec', 'deployment/vpn-seed-server', '-n', seedNamespace, '--', 'bash', '-c', script]
  return (await seed.mustKubectl(exec, { deadlineMs: DEADLINE_MS })).stdout
}

/** What a pod of the shoot gets that dials the shoot-client's, where nothing listens. */
async function toShootClient({ shoot }: Clusters, seconds: number): Promise<string> {
  const address = ['-o', 'jsonpath={.items[0].status.podIP}']
  const pod = await shoot.mustKubectl(['get', 'pods', '-n', 'kube-system', '-l', 'app=vpn-shoot', ...address])
  const connect = ['/agnhost', 'connect', `${pod.stdout}:4314`, `--timeout=${seconds}s`]
  const { stdout, stderr } = await shoot.kubectl(['exec', PRINTER, '--', ...connect], {
    deadlineMs: DEADLINE_MS,
  })
  return stdout + stderr
}
