import t from 'tap'
import { parse } from 'yaml'
import { renderInput } from './support/input.js'
import { findObject, parseObjects } from './support/kubernetes-object.js'
import { render } from './support/program.js'
import { validateEgressSelectorConfiguration, validateObject } from './support/schemas.js'
import { SHAPES, titleOf } from './support/shoots.js'

for (const shape of SHAPES) {
  t.test(`every manifest fits the schema of its kind: ${titleOf(shape)}`, async (t) => {
    const objects = parseObjects(await render(shape.gardenlet, shape.shoot, ...shape.flags))
    for (const object of objects)
      t.doesNotThrow(() => validateObject(object), `${object.kind} ${object.metadata.name}`)
    const names = objects.map(
      ({ kind, metadata }) => `${metadata.labels['reversed-vpn/cluster']} ${kind} ${metadata.name}`,
    )
    t.equal(new Set(names).size, names.length, 'no object is there twice')
    t.equal(names.includes('shoot Service vpn-shoot'), !shape.isReversed)
    t.equal(names.includes('seed Deployment vpn-seed-server'), shape.isReversed)
  })
}

t.test('the schemas find a field that is not there, a wrong type and a kind nobody knows', async (t) => {
  const objects = parseObjects(await render('gardenlet-on', 'plain'))
  const deployment = findObject(objects, 'Deployment', 'vpn-seed-server')
  t.throws(() => validateObject({ ...deployment, spec: { ...deployment.spec, replicas: 'one' } }), /replicas/)
  const autoscaler = findObject(objects, 'VerticalPodAutoscaler')
  t.throws(() => validateObject({ ...autoscaler, spec: { ...autoscaler.spec, mode: 'x' } }), /mode/)
  const filter = findObject(objects, 'EnvoyFilter', 'vpn-seed-server-connect')
  t.throws(() => validateObject({ ...filter, spec: { configPatches: [{ applyTo: 'NOTHING' }] } }), /applyTo/)
  t.throws(() => validateObject({ ...deployment, apiVersion: 'apps/v9' }), /no schema/)
})

t.test(
  'a shoot that dials has no Service at all, and its seed-server is there before it is ready',
  async (t) => {
    const objects = parseObjects(await render('gardenlet-on', 'plain'))
    const services = objects.filter(({ kind }) => kind === 'Service')
    t.same(
      services.map(({ metadata }) => metadata.labels['reversed-vpn/cluster']),
      ['seed'],
    )
    const [service] = services
    t.equal(service?.spec.publishNotReadyAddresses, true)
    t.same(
      service?.spec.ports.map(({ port }: { port: number }) => port),
      [1194, 9443, 15000],
    )
    const deployment = findObject(objects, 'Deployment', 'vpn-seed-server')
    t.match(deployment.spec, { replicas: 1, strategy: { type: 'Recreate' } })
    t.match(findObject(objects, 'Deployment', 'vpn-shoot').spec.strategy.rollingUpdate, {
      maxSurge: 1,
      maxUnavailable: 0,
    })
  },
)

t.test('each caller reaches the one port of the seed-server that is for it', async (t) => {
  for (const [flags, gateway] of [
    [[], 'istio-ingressgateway'],
    [['--gateway'], 'sni-gateway'],
  ] as const) {
    const policies = parseObjects(await render('gardenlet-on', 'plain', ...flags)).filter(
      ({ kind, spec }) => kind === 'NetworkPolicy' && spec.podSelector.matchLabels.app === 'vpn-seed-server',
    )
    const ways = policies.flatMap(({ spec }) =>
      (spec.ingress ?? []).map((rule: { from: { podSelector: object }[]; ports: { port: number }[] }) => [
        Reflect.get(Reflect.get(rule.from[0]?.podSelector ?? {}, 'matchLabels'), 'app'),
        ...rule.ports.map(({ port }) => port),
      ]),
    )
    t.same(ways, [
      ['kubernetes', 9443],
      [gateway, 1194],
      ['prometheus', 15000],
    ])
  }
})

t.test('in both directions only Prometheus reaches an admin port in the seed', async (t) => {
  for (const gardenlet of ['gardenlet-on', 'gardenlet-off']) {
    const objects = parseObjects(await render(gardenlet, 'plain', '--api-server-port=6443'))
    const policies = objects.filter(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace !== 'kube-system',
    )
    const labels =
      gardenlet === 'gardenlet-on' ? { app: 'vpn-seed-server' } : { app: 'kubernetes', role: 'apiserver' }
    const rules = policies
      .filter(({ spec }) => JSON.stringify(spec.podSelector.matchLabels) === JSON.stringify(labels))
      .flatMap(({ spec }) => spec.ingress ?? [])
    t.equal(
      rules.every(({ ports }: { ports?: unknown[] }) => (ports?.length ?? 0) > 0),
      true,
      'no rule is for all ports',
    )
    const toAdmin = rules.filter(({ ports }: { ports: { port: number }[] }) =>
      ports.some(({ port }) => port === 15000),
    )
    t.same(
      toAdmin.map(({ from }: { from: object[] }) => from),
      [[{ podSelector: { matchLabels: { app: 'prometheus', role: 'monitoring' } } }]],
    )
    if (gardenlet === 'gardenlet-on') continue
    const open = rules.filter(({ from }: { from?: object[] }) => from === undefined)
    t.same(open, [{ ports: [{ protocol: 'TCP', port: 6443 }] }], 'kube-apiserver stays open to everybody')
  }
})

t.test(
  'pods of the tunnel leave a node that is gone within a minute, and ask the name servers of the node',
  async (t) => {
    const tolerations = (seconds: number, other = seconds) =>
      [
        ['not-ready', seconds],
        ['unreachable', other],
      ].map(([taint, tolerationSeconds]) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds,
      }))
    for (const [given, expected] of [
      ['', tolerations(60)],
      [
        'nodeToleration: { defaultNotReadyTolerationSeconds: 20, defaultUnreachableTolerationSeconds: 300 }',
        tolerations(20, 60),
      ],
    ] as const) {
      const gardenlet = `featureGates: { ReversedVPN: true }\n${given}\n`
      const objects = parseObjects((await renderInput(t, { gardenlet })).stdout)
      for (const name of ['vpn-seed-server', 'vpn-shoot']) {
        const { spec } = findObject(objects, 'Deployment', name).spec.template
        t.equal(spec.dnsPolicy, 'Default')
        t.match(spec.tolerations.slice(-2), expected, name)
      }
      const [rule, ...others] = findObject(objects, 'NetworkPolicy', 'vpn-seed-server-to-dns').spec.egress
      t.same([rule.to, others], [undefined, []], 'wherever those are')
      t.same([...new Set(rule.ports.map(({ port }: { port: number }) => port))], [53])
    }
  },
)

for (const [shoot, apiVersion, names] of [
  ['plain', 'apiserver.k8s.io/v1beta1', ['cluster', 'controlplane', 'etcd']],
  ['annotated-on', 'apiserver.k8s.io/v1alpha1', ['cluster', 'master', 'etcd']],
] as const) {
  t.test(`kube-apiserver of ${shoot} sends what is for the shoot through the seed-server`, async (t) => {
    const gardenlet = shoot === 'plain' ? 'gardenlet-on' : 'gardenlet-off'
    const objects = parseObjects(await render(gardenlet, shoot))
    const { data } = findObject(objects, 'ConfigMap', 'kube-apiserver-egress-selector')
    const [[key, text = ''] = ['']] = Object.entries<string>(data)
    const configuration = validateEgressSelectorConfiguration(text)
    t.equal(configuration.apiVersion, apiVersion)
    t.same(
      configuration.egressSelections.map(({ name }) => name),
      names,
    )
    const [cluster, ...others] = configuration.egressSelections.map(({ connection }) => connection)
    t.match(cluster, {
      proxyProtocol: 'HTTPConnect',
      transport: { tcp: { url: 'https://vpn-seed-server:9443' } },
    })
    t.same(others, [{ proxyProtocol: 'Direct' }, { proxyProtocol: 'Direct' }])

    const [flags, volumes] = findObject(objects, 'Component').patches.map(({ patch }: { patch: string }) =>
      parse(patch),
    )
    const { spec } = volumes.spec.template
    const mounts: { name: string; mountPath: string }[] = spec.containers[0].volumeMounts
    const folderOf = (path: string) => mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))?.name
    t.equal(flags[1].value, `--egress-selector-config-file=${mounts[0]?.mountPath}/${key}`)
    if (cluster?.proxyProtocol === 'HTTPConnect') {
      for (const path of Object.values(cluster.transport.tcp.tlsConfig))
        t.equal(folderOf(path), 'egress-tls', path)
    }
    t.same(
      spec.volumes.map(({ name }: { name: string }) => name),
      mounts.map(({ name }) => name),
    )
  })
}

t.test(
  'a seed that dials is in the pod of kube-apiserver, which keeps no egress selector and does not wait for it',
  async (t) => {
    const objects = parseObjects(await render('gardenlet-on', 'annotated-off'))
    t.notOk(JSON.stringify(objects).includes('gressSelector'))
    const [sidecar] = findObject(objects, 'Component').patches.map(({ patch }: { patch: string }) =>
      parse(patch),
    )
    const [container] = sidecar.spec.template.spec.containers
    t.ok(container.livenessProbe)
    t.equal(container.readinessProbe, undefined)
    const service = findObject(objects, 'Service')
    t.match(service.spec, { type: 'LoadBalancer', ports: [{ port: 4314 }] })
    const config = parse(findObject(objects, 'ConfigMap', 'vpn-seed-server').data['config.yaml'])
    t.equal(config.dial, 'vpn-shoot.annotated-off.core.example:4314')
    t.same(config['egress-listen'], [])
  },
)

t.test('the load balancer of a shoot has the families of the shoot', async (t) => {
  const familiesOf = async (shoot: string) => {
    const { spec } = findObject(parseObjects(await render('gardenlet-off', shoot)), 'Service')
    return [spec.ipFamilyPolicy, spec.ipFamilies]
  }
  t.same(await familiesOf('plain'), [undefined, undefined])
  t.same(await familiesOf('dual-stack'), ['PreferDualStack', ['IPv4', 'IPv6']])
  t.same(await familiesOf('ipv6-only'), ['SingleStack', ['IPv6']])
})

t.test('the endpoint takes CONNECT for one destination of the shoot, and leads nowhere else', async (t) => {
  const objects = parseObjects(await render('gardenlet-on', 'plain'))
  const route = findObject(objects, 'EnvoyFilter', 'vpn-seed-server-shoot--core--plain').spec.configPatches[0]
  const destination = 'outbound|1194||vpn-seed-server.shoot--core--plain.svc.cluster.local'
  t.same(route.patch.value.match.headers, [{ name: 'Reversed-VPN', string_match: { exact: destination } }])
  t.equal(route.patch.value.route.cluster, destination)
  t.notOk(JSON.stringify(objects).includes('cluster_header'))
  const config = parse(findObject(objects, 'ConfigMap', 'vpn-shoot').data['config.yaml'])
  t.same(config.header, [`Reversed-VPN: ${destination}`])
})
