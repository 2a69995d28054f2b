// The gateway of an exposure class, and of a zone, is another one than the seed's default.
import t from 'tap'
import { renderInput } from './support/input.js'
import { findObject, parseObjects } from './support/kubernetes-object.js'
import { readTestFile } from './support/program.js'

const GARDENLET = `kind: GardenletConfiguration
featureGates: { ReversedVPN: true }
exposureClassHandlers:
- name: plain-handler
  loadBalancerService: { annotations: { network: public } }
- name: private
  sni:
    ingress:
      namespace: ingress-private
      labels: { network: private, app: mine }
`
const SHOOT = readTestFile('input/plain.yaml')
const classed = (name: string) => SHOOT.replace('spec:\n', `spec:\n  exposureClassName: ${name}\n`)
const roleLabels = (handler: string) => ({
  app: 'istio-ingressgateway',
  'gardener.cloud/role': 'exposureclass-handler',
  'handler.exposureclass.gardener.cloud/name': handler,
})

interface Case {
  readonly title: string
  readonly shoot: string
  readonly gardenlet?: string
  readonly flags?: readonly string[]
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

const CASES: readonly Case[] = [
  {
    title: 'a class whose handler has its name',
    shoot: classed('private'),
    namespace: 'ingress-private',
    labels: { network: 'private', ...roleLabels('private') },
  },
  {
    title: 'a class whose handler is given',
    shoot: classed('internet'),
    flags: ['--exposure-handler=plain-handler'],
    namespace: 'istio-ingress-handler-plain-handler',
    labels: roleLabels('plain-handler'),
  },
  {
    title: 'a class, in one zone of the seed',
    shoot: classed('private'),
    flags: ['--zone=eu-1a'],
    namespace: 'ingress-private--eu-1a',
    labels: {
      network: 'private',
      ...roleLabels('private'),
      'gardener.cloud/role': 'exposureclass-handler--zone--eu-1a',
    },
  },
  {
    title: 'no class, in one zone of the seed',
    shoot: SHOOT,
    flags: ['--zone=eu-1a'],
    namespace: 'istio-ingress--eu-1a',
    labels: { app: 'istio-ingressgateway', istio: 'ingressgateway--zone--eu-1a' },
  },
  {
    title: 'a zone where namespace and zone are too long together',
    shoot: SHOOT,
    gardenlet: `featureGates: { ReversedVPN: true }\nsni: { ingress: { namespace: ${'n'.repeat(57)} } }\n`,
    flags: ['--zone=eu-1a'],
    // The first digits of the zone's SHA-256.
    namespace: `${'n'.repeat(57)}--4f1c8`,
    labels: { app: 'istio-ingressgateway', istio: 'ingressgateway--zone--eu-1a' },
  },
  {
    title: 'no class',
    shoot: SHOOT,
    namespace: 'istio-ingress',
    labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
  },
]

for (const { title, shoot, gardenlet = GARDENLET, flags = [], namespace, labels } of CASES) {
  t.test(`renders for the gateway of ${title}`, async (t) => {
    const { code, stdout, stderr } = await renderInput(t, { shoot, gardenlet, flags })
    t.equal(code, 0, stderr)
    const objects = parseObjects(stdout)
    t.same(findObject(objects, 'Gateway').spec.selector, labels)
    for (const filter of objects.filter(({ kind }) => kind === 'EnvoyFilter')) {
      t.equal(filter.metadata.namespace, namespace)
      t.same(filter.spec.workloadSelector.labels, labels)
    }
    t.same(findObject(objects, 'NetworkPolicy', 'vpn-seed-server-from-gateway').spec.ingress[0].from, [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        podSelector: { matchLabels: labels },
      },
    ])
  })
}

for (const [title, shoot, gardenlet, flags, says] of [
  [
    'a class without handler',
    classed('internet'),
    GARDENLET,
    [],
    /shoot\.yaml: spec\.exposureClassName: no handler is called internet \(.* has plain-handler, private\), expected --exposure-handler with what the ExposureClass has as its handler\n/,
  ],
  [
    'a class where there are no handlers',
    classed('internet'),
    readTestFile('input/gardenlet-on.yaml'),
    [],
    /exposureClassHandlers of .* has none/,
  ],
  [
    'a handler that is not there',
    classed('internet'),
    GARDENLET,
    ['--exposure-handler=x'],
    /--exposure-handler "x" .*: .* has plain-handler, private, expected one of them\n/,
  ],
  [
    'a handler without a class',
    SHOOT,
    GARDENLET,
    ['--exposure-handler=private'],
    /--exposure-handler .*has no spec\.exposureClassName\n/,
  ],
] as const) {
  t.test(`refuses ${title}`, async (t) => {
    t.match(await renderInput(t, { shoot, gardenlet, flags }), { code: 2, stdout: '', stderr: says })
  })
}

t.test('a class does not matter where no gateway is named', async (t) => {
  const gardenlet = GARDENLET.replace('ReversedVPN: true', 'ReversedVPN: false')
  t.match(await renderInput(t, { shoot: classed('internet'), gardenlet }), { code: 0 })
  const ours = await renderInput(t, {
    shoot: classed('internet'),
    gardenlet: GARDENLET,
    flags: ['--gateway'],
  })
  t.match(ours, { code: 0, stderr: /spec\.exposureClassName of .* has no effect with --gateway/ })
})
