// The one gateway of a seed: rendered from all its shoots, and changed without touching a tunnel.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readInvocation } from '@reversed-vpn/daemon/testing'
import { readRoutesFile, sniGateway } from '@reversed-vpn/sni-gateway/testing'
import t, { type Test } from 'tap'
import { shootOf } from './support/input.js'
import { findObject, parseObjects, podTemplates } from './support/kubernetes-object.js'
import { podSecurityViolations } from './support/pod-security.js'
import { type Outcome, render, runProgram } from './support/program.js'
import { validateObject } from './support/schemas.js'

const seedOf = (name: string, seed: string) =>
  shootOf({ name, spec: { seedName: seed, dns: { domain: `${name}.core.example` } } })
const list = (...shoots: string[]) => `{"apiVersion": "v1", "kind": "List", "items": [${shoots.join(',')}]}`

function renderGateway(
  t: Test,
  files: Readonly<Record<string, string>>,
  ...flags: string[]
): Promise<Outcome> {
  const folder = t.testdir(files)
  return runProgram(
    'gateway',
    ...Object.keys(files).flatMap((name) => ['--shoot', join(folder, name)]),
    ...flags,
  )
}

t.test('leads to every shoot, by each of its names, and to nobody else', async (t) => {
  const advertised = [
    { name: 'external', url: 'https://api.two.core.example' },
    { name: 'internal', url: 'https://api.two.core.internal.example' },
    { name: 'unmanaged', url: 'https://198.51.100.7' },
    { name: 'service-account-issuer', url: 'https://issuer.example/two' },
  ]
  const two = shootOf({
    name: 'two',
    status: { technicalID: 'shoot--x--two', advertisedAddresses: advertised },
  })
  const workerless = shootOf({ name: 'three', spec: { provider: { type: 'some' } } })
  const { code, stdout, stderr } = await renderGateway(t, {
    'a.yaml': list(two, workerless),
    'b.yaml': shootOf({}),
  })
  t.match({ code, stderr }, { code: 0, stderr: 'reversed-vpn: routes for 3 of 3 Shoots\n' })
  const folder = t.testdir(findObject(parseObjects(stdout), 'ConfigMap', 'sni-gateway-routes').data)
  const table = readRoutesFile(join(folder, 'routes.yaml'))
  t.equal(table.routes.length, 5)
  const apiServer = (namespace: string) => ({
    host: `kube-apiserver.${namespace}.svc.cluster.local`,
    port: 443,
  })
  t.match(table.findByServerName('api.one.core.example', [])?.backend, apiServer('shoot--core--one'))
  t.match(table.findByServerName('api.two.core.example', [])?.backend, apiServer('shoot--x--two'))
  t.match(table.findByServerName('api.two.core.internal.example', [])?.backend, apiServer('shoot--x--two'))
  t.match(table.findByServerName('api.three.core.example', [])?.backend, apiServer('shoot--core--three'))
  t.equal(table.findByServerName('issuer.example', []), undefined)
  for (const namespace of ['shoot--core--one', 'shoot--x--two']) {
    const host = `vpn-seed-server.${namespace}.svc.cluster.local`
    t.match(table.findByDestination(`outbound|1194||${host}`)?.backend, { host, port: 1194 })
    t.match(table.findByServerName(host, [])?.backend, { host, port: 1194 })
  }
  const nobody = 'outbound|1194||vpn-seed-server.shoot--core--three.svc.cluster.local'
  t.equal(table.findByDestination(nobody), undefined, 'a shoot without workers has no tunnel')
})

t.test('has what its pods need, within the restricted profile, and one load balancer', async (t) => {
  const objects = parseObjects((await renderGateway(t, { 'a.yaml': shootOf({}) })).stdout)
  for (const object of objects) {
    t.doesNotThrow(() => validateObject(object), object.kind)
    t.equal(object.metadata.namespace, 'sni-gateway')
  }
  t.match(findObject(objects, 'Service').spec, {
    type: 'LoadBalancer',
    ports: [
      { port: 443, targetPort: 'tls' },
      { port: 8132, targetPort: 'connect' },
      { port: 8443, targetPort: 'connect' },
    ],
  })
  const { spec } = findObject(objects, 'Deployment').spec.template
  t.match(spec, { automountServiceAccountToken: false, serviceAccountName: 'sni-gateway' })
  t.equal(spec.dnsPolicy, undefined, 'backends are Services, which only the DNS of the cluster knows')
  t.same(spec.dnsConfig.options, [{ name: 'ndots', value: '1' }])
  const [pod] = podTemplates(objects)
  t.same(pod && podSecurityViolations(pod), [])

  const [{ args, volumeMounts }] = spec.containers
  const files = findObject(objects, 'ConfigMap', 'sni-gateway').data
  const folder = t.testdir(files)
  const here = args.map((arg: string) => arg.replace('/etc/reversed-vpn/', `${folder}/`))
  t.match(readInvocation(sniGateway, here, {}), { type: 'run' })
  const routes = /routes: (.*)\/routes\.yaml/.exec(files['config.yaml'])?.[1]
  t.ok(volumeMounts.some(({ mountPath }: { mountPath: string }) => mountPath === routes))
})

t.test('a shoot that comes changes its routes and nothing else', async (t) => {
  const folder = t.testdir({ 'one.yaml': shootOf({}), 'two.yaml': shootOf({ name: 'two' }), rendered: {} })
  const [one, two, rendered] = ['one.yaml', 'two.yaml', 'rendered'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  t.match(await runProgram('gateway', '--shoot', one, '--output', rendered), { code: 0, stdout: '' })
  const file = join(rendered, 'seed/sni-gateway-routes.configmap.yaml')
  t.ok(existsSync(file) && readFileSync(file, 'utf8').includes('shoot--core--one'))
  const { stdout } = await runProgram('gateway', '--shoot', `${two},${one}`, '--diff-from', rendered)
  t.match(stdout, /^changed in the seed: ConfigMap sni-gateway\/sni-gateway-routes$/m)
  t.match(stdout, /^ {4}\+ {3}- name: shoot--core--two-kube-apiserver$/m)
  t.match(stdout, /^0 added, 1 changed, 0 removed, 0 kept$/m)
  const again = await runProgram('gateway', '--shoot', `${one},${two}`, '--diff-from', rendered)
  t.equal(again.stdout, stdout, 'in whatever order they are given')
})

t.test('a shoot by itself has no gateway and no load balancer, and lets the gateway in', async (t) => {
  const objects = parseObjects(await render('gardenlet-on', 'plain', '--gateway'))
  t.same(
    objects.filter(({ spec }) => spec?.type === 'LoadBalancer'),
    [],
  )
  t.notOk(objects.some(({ metadata }) => metadata.name.startsWith('sni-gateway')))
  const peer = (stream: string) =>
    findObject(parseObjects(stream), 'NetworkPolicy', 'vpn-seed-server-from-gateway').spec.ingress[0].from[0]
  t.same(peer(await render('gardenlet-on', 'plain', '--gateway')), {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'sni-gateway' } },
    podSelector: { matchLabels: { app: 'sni-gateway' } },
  })
  const elsewhere = await render('gardenlet-on', 'plain', '--gateway', '--gateway-namespace=edge')
  t.equal(peer(elsewhere).namespaceSelector.matchLabels['kubernetes.io/metadata.name'], 'edge')
})

t.test('--seed leaves out the shoots of other seeds', async (t) => {
  const files = { 'all.yaml': list(seedOf('one', 'east'), seedOf('two', 'west')) }
  const { stdout, stderr } = await renderGateway(t, files, '--seed=east', '--namespace=edge')
  t.match(stderr, /routes for 1 of 2 Shoots/)
  t.notMatch(stdout, 'shoot--core--two')
  t.match(stdout, 'namespace: edge')
  t.match(await renderGateway(t, files, '--seed=north'), {
    code: 2,
    stderr: /2 Shoots, none of them on north/,
  })
})

for (const [title, files, says] of [
  ['no Shoot', { 'a.yaml': 'kind: Secret\n' }, /a\.yaml: 0 Shoots, none to lead to, expected at least one\n/],
  [
    'a Shoot twice',
    { 'a.yaml': shootOf({}), 'b.yaml': shootOf({}) },
    /shoot--core--one belongs to both garden-core\/one \(.*a\.yaml\) and garden-core\/one \(.*b\.yaml\)/,
  ],
  [
    'two with one name',
    { 'a.yaml': list(shootOf({}), shootOf({ name: 'two', spec: { dns: { domain: 'one.core.example' } } })) },
    /api\.one\.core\.example belongs to both garden-core\/one .* and garden-core\/two/,
  ],
  [
    'one without a name to be reached by',
    { 'a.yaml': shootOf({ spec: { dns: null } }) },
    /a\.yaml: spec\.dns\.domain: of garden-core\/one is not given, .*kubectl get shoot -o yaml/,
  ],
] as const) {
  t.test(`refuses ${title}`, async (t) => {
    t.match(await renderGateway(t, files), { code: 2, stdout: '', stderr: says })
  })
}
