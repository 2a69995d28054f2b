// A control plane in a real seed and the kubelets of its shoot, joined by what docs/kubernetes.md has a person type and nothing
// else. The gateway is there already, as it is for the second shoot of a seed.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { ensureBinaries } from './binaries/index.js'
import { Clusters, PRINTER, printerPod, toolsPod } from './cluster/index.js'
import { API_SERVER_HOST } from './cluster/names.js'
import { Page } from './cluster/page.js'
import { API_SERVER_LABELS, shootApiServer } from './cluster/shoot-control-plane.js'
import { SEED, SHOOT } from './cluster/topology.js'
import { ensureImages } from './images/index.js'
import { judgePolicies } from './scenes/policies.js'

const EXAMPLE = 'deploy/kubernetes/cluster.yaml'
const GONE_DEADLINE_MS = 180_000

const binaries = await ensureBinaries()
const clusters = await Clusters.create({ binaries, images: await ensureImages() })
t.teardown(() => clusters.close())
const { seed, shoot, seedNamespace } = clusters
const page = await Page.open(clusters, binaries)
// From the beginning: all that works below, works by leave of the policies that the page has a person apply.
const engines = await Promise.all([...seed.nodes, ...shoot.nodes].map((node) => node.enforcePolicies()))

t.test('without a tunnel a pod runs in the shoot, and its log is out of reach', async (t) => {
  await shoot.eventually(['get', 'serviceaccount', 'default', '-n', 'kube-system'])
  await shoot.apply([printerPod(), ...metricsOfDns()])
  await shoot.mustKubectl(['wait', '--for=condition=Ready', `pod/${PRINTER}`, '--timeout=60s'], {
    deadlineMs: 90_000,
  })
  const { code, stderr } = await shoot.kubectl(['logs', PRINTER, '--request-timeout=20s'])
  t.not(code, 0)
  t.match(stderr, /dial tcp 10\.250\.0\.10:10250/)
})

t.test('both API servers take what is rendered from the example, whoever dials', async (t) => {
  const { gateway: _, ...example } = parse(await readFile(join(page.dir, EXAMPLE), 'utf8'))
  const dialled = { ...example, loadBalancer: { address: SEED.loadBalancer } }
  await writeFile(join(page.dir, 'dialled.yaml'), stringify(dialled))
  const said = await page.run(`
npx reversed-vpn render --cluster ${EXAMPLE} --output example/dials
npx reversed-vpn render --cluster dialled.yaml --output example/dialled
npx reversed-vpn gateway --cluster ${EXAMPLE} --output example/gateway
kubectl --context seed create namespace ${example.seed.namespace}
kubectl --context seed apply -f example/dials/seed
kubectl --context shoot apply --dry-run=server -f example/dials/shoot
kubectl --context seed apply --dry-run=server -f example/gateway/seed
kubectl --context seed apply --dry-run=server -f example/dialled/seed
kubectl --context shoot apply --dry-run=server -f example/dialled/shoot`)
  t.match(said, /^deployment\.apps\/vpn-seed-server created$/m)
  t.match(said, /^deployment\.apps\/vpn-shoot created \(server dry run\)$/m)
  t.match(said, /^deployment\.apps\/sni-gateway \w+ \(server dry run\)$/m)
  t.match(said, /^service\/vpn-shoot created \(server dry run\)$/m)
})

t.test('the page leads from two clusters to a tunnel', async (t) => {
  const { seed: inSeed, ...example } = parse(await readFile(join(page.dir, EXAMPLE), 'utf8'))
  t.match(await page.type('2. '), /the shoot dials/)
  const { pods, services, nodes } = SHOOT
  const apiServer = { ...inSeed.apiServer, labels: API_SERVER_LABELS, hosts: [API_SERVER_HOST] }
  const filledIn = {
    seed: { ...inSeed, namespace: seedNamespace, apiServer },
    shoot: { ...example.shoot, networks: { pods, services, nodes } },
    gateway: { ...example.gateway, address: SEED.loadBalancer },
  }
  await writeFile(join(page.dir, 'cluster.yaml'), stringify(filledIn))
  await writeFile(join(page.dir, 'control-plane', 'kube-apiserver.yaml'), JSON.stringify(shootApiServer()))
  t.match(await page.type('3. ', /create namespace/), SEED.loadBalancer)
  await seed.rolledOut('sni-gateway', 'sni-gateway')
  await page.type('4. ')
  t.match(await page.type('5. '), /deployment "vpn-seed-server" successfully rolled out/)
  t.match(await page.type('6. '), /deployment "kube-apiserver" successfully rolled out/)
  const apiServers = ['get', 'pods', '-n', seedNamespace, '-l', 'role=apiserver', '-o', 'name']
  await seed.eventually(apiServers, GONE_DEADLINE_MS, (names) => names.trim().split('\n').length === 1)
  await shoot.eventually(['get', '--raw', '/readyz'])
})

t.test('what the page has a person look at shows that it works', async (t) => {
  const said = await page.type('7. ')
  t.match(said, /^coredns_build_info 1$/m, 'a pod')
  const counted = [...said.matchAll(/^seed_server_egress_(?:open_streams|requests_total\{.*\}) (\d+)$/gm)]
  t.equal(counted.length, 2)
  t.ok(
    counted.some(([, count]) => Number(count) > 0),
    'by the egress proxy',
  )
  t.match(await shoot.eventually(['logs', PRINTER]), /^line 1\n/)
  const { stdout } = await shoot.mustKubectl(['exec', PRINTER, '--', 'echo', 'through the tunnel'])
  t.equal(stdout, 'through the tunnel\n')
  const forwards = ['exec', PRINTER, '--', 'cat', '/proc/sys/net/ipv4/ip_forward']
  const { stdout: sysctl } = await shoot.mustKubectl(forwards)
  t.equal(sysctl, '0\n', 'the network of a pod forwards nothing')
})

t.test('NetworkPolicies let through what they name, and nothing else', (t) =>
  judgePolicies(t, clusters, engines),
)

// Neither cluster lets a privileged pod in: kube-apiserver does not by default.
t.test('the namespace of the gateway lets in nothing but what keeps to the restricted profile', async (t) => {
  const probe = ['run', 'probe', '-n', 'sni-gateway', '--image=none']
  t.match(await seed.kubectl(probe), { code: 1, stderr: /violates PodSecurity "restricted/ })
})

t.test('what the page has a person type to uninstall takes both ends away', async (t) => {
  const said = await page.type('Update and uninstall')
  t.match(said, /^deployment\.apps "vpn-shoot" deleted/m)
  t.match(said, /^deployment\.apps "vpn-seed-server" deleted/m)
})

/** The Service that the page looks at, and a pod that has one of its metrics. */
function metricsOfDns(): object[] {
  const metadata = { name: 'kube-dns', namespace: 'kube-system' }
  const serve = 'echo coredns_build_info 1 > /tmp/metrics; exec httpd -f -p 9153 -h /tmp'
  const labels = { app: metadata.name }
  const port = { name: 'metrics', port: 9153, protocol: 'TCP' }
  return [
    { ...toolsPod(metadata.name, { command: ['sh', '-c', serve] }), metadata: { ...metadata, labels } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [port] } },
  ]
}
