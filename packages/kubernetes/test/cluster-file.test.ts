// A hosted control plane without Gardener: the same manifests, from one file.
import { join } from 'node:path'
import { readRoutesFile } from '@reversed-vpn/sni-gateway/testing'
import t from 'tap'
import { parse } from 'yaml'
import { CLUSTER, CLUSTER_FILE, SEED_DIALS, withCluster } from './support/cluster.js'
import { findObject, parseObjects } from './support/kubernetes-object.js'
import { runProgram } from './support/program.js'
import { validateObject } from './support/schemas.js'

const configOf = (stdout: string, name: string) =>
  parse(findObject(parseObjects(stdout), 'ConfigMap', name).data['config.yaml'])

t.test('the example is what a plain cluster takes, and nothing of Gardener or Istio', async (t) => {
  for (const [cluster, says] of [
    [CLUSTER, /the shoot dials: .*cluster\.yaml has gateway\n/],
    [SEED_DIALS, /the seed dials: .*cluster\.yaml has loadBalancer\n/],
  ] as const) {
    const { code, stdout, stderr } = await withCluster(t, 'render', cluster)
    t.match({ code, stderr }, { code: 0, stderr: says })
    const objects = parseObjects(stdout)
    for (const object of objects)
      t.doesNotThrow(() => validateObject(object), `${object.kind} ${object.metadata.name}`)
    t.same(
      objects.map(({ apiVersion }) => apiVersion).filter((version) => /istio|autoscaling/.test(version)),
      [],
    )
    t.notMatch(stdout, 'gardener')
  }
})

t.test('the shoot dials the gateway, by name or address, with CONNECT or by server name', async (t) => {
  const dialled = async (cluster: string, ...flags: string[]) =>
    configOf((await withCluster(t, 'render', cluster, ...flags)).stdout, 'vpn-shoot')
  const at = (address: string) => CLUSTER.replace('address: 203.0.113.10', `address: ${address}`)
  const config = await dialled(CLUSTER)
  t.equal(config.gateway, 'http://203.0.113.10:8132')
  t.same(config.header, ['Reversed-VPN: outbound|1194||vpn-seed-server.shoot-one.svc.cluster.local'])
  t.equal((await dialled(at('"2001:db8::1"'))).gateway, 'http://[2001:db8::1]:8132')
  t.equal((await dialled(at('gate.example\n  port: 30132'))).gateway, 'http://gate.example:30132')
  t.match(await dialled(CLUSTER, '--transport=sni'), {
    server: '203.0.113.10:443',
    sni: 'vpn-seed-server.shoot-one.svc.cluster.local',
  })
  const seed = await withCluster(t, 'render', SEED_DIALS)
  t.equal(configOf(seed.stdout, 'vpn-seed-server').dial, '203.0.113.20:4314')
  const service = findObject(parseObjects(seed.stdout), 'Service', 'vpn-shoot')
  t.equal(service.metadata.annotations, undefined)
})

t.test('names, namespaces and Secrets are those of the file', async (t) => {
  const cluster = `
seed:
  namespace: cp
  apiServer: { version: v1.33.0, deployment: api, container: apiserver, labels: { tier: control-plane } }
  secrets: { tunnel: a-tls, egress: b-tls, apiServer: c-tls }
shoot:
  namespace: vpn
  networks: { pods: [10.1.0.0/16, "fd00:1::/64"], services: [10.2.0.0/16, "fd00:2::/112"], nodes: 10.3.0.0/16 }
  secret: d-tls
gateway: { address: gate.example, namespace: edge }
`
  const { code, stdout, stderr } = await withCluster(t, 'render', cluster)
  t.equal(code, 0, stderr)
  const objects = parseObjects(stdout)
  const namespaces = (name: string) =>
    objects.filter(({ metadata }) => metadata.name.startsWith(name)).map(({ metadata }) => metadata.namespace)
  t.same([...new Set(namespaces('vpn-seed-server'))], ['cp'])
  t.same([...new Set(namespaces('vpn-shoot'))], ['vpn'])
  const secretsOf = (name: string) =>
    findObject(objects, 'Deployment', name)
      .spec.template.spec.volumes.map(({ secret }: { secret?: { secretName: string } }) => secret?.secretName)
      .filter(Boolean)
  t.same(secretsOf('vpn-seed-server'), ['a-tls', 'b-tls'])
  t.same(secretsOf('vpn-shoot'), ['d-tls'])
  const { patches } = findObject(objects, 'Component')
  t.equal(patches[0].target.name, 'api')
  const [flag, volumes] = patches.map(({ patch }: { patch: string }) => parse(patch))
  t.equal(flag[0].value, 'apiserver')
  t.equal(volumes.metadata.name, 'api')
  t.equal(volumes.spec.template.spec.containers[0].name, 'apiserver')
  t.equal(volumes.spec.template.spec.volumes[1].secret.secretName, 'c-tls')
  const [from] = findObject(objects, 'NetworkPolicy', 'vpn-seed-server-from-kube-apiserver').spec.ingress[0]
    .from
  t.same(from, { podSelector: { matchLabels: { tier: 'control-plane' } } })
  const [gateway] = findObject(objects, 'NetworkPolicy', 'vpn-seed-server-from-gateway').spec.ingress[0].from
  t.equal(gateway.namespaceSelector.matchLabels['kubernetes.io/metadata.name'], 'edge')
  t.same(configOf(stdout, 'vpn-seed-server')['vpn-network'], ['192.168.123.0/24', 'fd8f:6d53:b97a:1::/112'])
})

t.test('one gateway leads to clusters and to Shoots', async (t) => {
  const two = CLUSTER.replace('shoot-one', 'shoot-two').replace('# hosts: []', 'hosts: [api.two.example]')
  const folder = t.testdir({ 'two.yaml': two, 'dials.yaml': SEED_DIALS })
  const { code, stdout, stderr } = await runProgram(
    'gateway',
    `--cluster=${CLUSTER_FILE},${join(folder, 'two.yaml')}`,
  )
  t.match({ code, stderr }, { code: 0, stderr: 'reversed-vpn: routes for 2 of 2 Shoots\n' })
  const table = readRoutesFile(
    join(t.testdir(findObject(parseObjects(stdout), 'ConfigMap', 'sni-gateway-routes').data), 'routes.yaml'),
  )
  t.equal(table.routes.length, 3)
  for (const namespace of ['shoot-one', 'shoot-two']) {
    const host = `vpn-seed-server.${namespace}.svc.cluster.local`
    t.match(table.findByDestination(`outbound|1194||${host}`)?.backend, { host, port: 1194 })
  }
  t.match(table.findByServerName('api.two.example', [])?.backend, {
    host: 'kube-apiserver.shoot-two.svc.cluster.local',
    port: 443,
  })
  for (const [cluster, flags, says] of [
    [CLUSTER, ['--namespace=edge'], /cluster\.yaml: gateway\.namespace: sni-gateway, expected edge, /],
    [CLUSTER, ['--cluster', CLUSTER_FILE], /shoot-one belongs to both shoot-one \(.*\) and shoot-one \(/],
    [SEED_DIALS, [], /cluster\.yaml: seed\.apiServer\.hosts: is empty and the seed dials, expected a name/],
  ] as const)
    t.match(await withCluster(t, 'gateway', cluster, ...flags), { code: 2, stdout: '', stderr: says })
  t.match(await runProgram('gateway'), { code: 2, stderr: /expected --shoot or --cluster\n$/ })
})

t.test('says what changes compared with an earlier file', async (t) => {
  const before = join(t.testdir({ 'before.yaml': SEED_DIALS }), 'before.yaml')
  const { stdout } = await runProgram('render', '--cluster', CLUSTER_FILE, '--diff-from', before)
  t.match(stdout, /^added in the seed: Deployment shoot-one\/vpn-seed-server$/m)
  t.match(stdout, /^removed in the shoot: Service kube-system\/vpn-shoot$/m)
  const same = await runProgram('render', '--cluster', CLUSTER_FILE, '--diff-from', CLUSTER_FILE)
  t.equal(same.stdout, '0 added, 0 changed, 0 removed, 0 kept\n')
})
