// What it means that a gardenlet's configuration does not name a gate depends on the version of Gardener: who dials, and where.
import t from 'tap'
import { parse } from 'yaml'
import { renderInput } from './support/input.js'
import { findObject, parseObjects } from './support/kubernetes-object.js'
import { readTestFile } from './support/program.js'

const UNNAMED = 'kind: GardenletConfiguration\nfeatureGates:\n  HVPA: true\n'
const SHOOT = readTestFile('input/plain.yaml')

for (const [version, says] of [
  ['1.41.3', /the seed dials: the feature gate ReversedVPN is false\n/],
  ['v1.42.0', /the shoot dials: the feature gate ReversedVPN is true\n/],
  ['1.63', /the shoot dials: this version of Gardener knows no other direction\n/],
  ['1.150.0-dev', /the shoot dials: this version of Gardener knows no other direction\n/],
] as const) {
  t.test(`Gardener ${version} decides, from the flag or the Shoot`, async (t) => {
    for (const gardenlet of [UNNAMED, 'kind: GardenletConfiguration\n'])
      t.match(await renderInput(t, { gardenlet, flags: ['--gardener-version', version] }), {
        code: 0,
        stderr: says,
      })
    const shoot = `${SHOOT}status:\n  gardener:\n    version: ${version}\n`
    t.match(await renderInput(t, { gardenlet: UNNAMED, shoot }), { code: 0, stderr: says })
  })
}

t.test('without a version both readings are said', async (t) => {
  t.match(await renderInput(t, { gardenlet: UNNAMED }), {
    code: 2,
    stdout: '',
    stderr:
      /gardenlet\.yaml: featureGates\.ReversedVPN: is not given: before Gardener 1\.42 the seed dials then, since 1\.42 the shoot does; expected --gardener-version, or true or false here\n/,
  })
})

t.test('the flag beats the Shoot', async (t) => {
  const shoot = `${SHOOT}status: { gardener: { version: v1.30.0 } }\n`
  const outcome = await renderInput(t, { gardenlet: UNNAMED, shoot, flags: ['--gardener-version=1.50'] })
  t.match(outcome, { code: 0, stderr: /the shoot dials/ })
})

t.test('a version is not needed where it decides nothing', async (t) => {
  const old = SHOOT.replace('version: 1.30.2', 'version: 1.17.1')
  t.match(await renderInput(t, { gardenlet: UNNAMED, shoot: old }), { code: 0, stderr: /the seed dials/ })
  const annotation =
    'metadata:\n  annotations:\n    alpha.featuregates.shoot.gardener.cloud/reversed-vpn: "true"\n'
  const annotated = SHOOT.replace('metadata:\n', annotation)
  t.match(await renderInput(t, { gardenlet: UNNAMED, shoot: annotated }), {
    code: 0,
    stderr: /the shoot dials/,
  })
})

t.test('a gate that Gardener does not take any more is refused', async (t) => {
  const gardenlet = 'featureGates:\n  ReversedVPN: false\n'
  t.match(await renderInput(t, { gardenlet, flags: ['--gardener-version=1.70'] }), {
    code: 2,
    stderr: /gardenlet\.yaml: featureGates: ReversedVPN is false, but since Gardener 1\.63 it is always true/,
  })
  t.match(await renderInput(t, { flags: ['--gardener-version=newest'] }), {
    code: 2,
    stderr: /--gardener-version "newest" .*expected a version such as/,
  })
})

const LEGACY = { port: 8132, header: 'Reversed-VPN', filter: 'vpn-seed-server-connect' }
const UNIFIED = { port: 8443, header: 'X-Gardener-Destination', filter: 'vpn-seed-server-connect-8443' }
const withGate = (isOn: boolean) => `featureGates:\n  UseUnifiedHTTPProxyPort: ${isOn}\n`

for (const [version, gardenlet, expected] of [
  ['', readTestFile('input/gardenlet-on.yaml'), LEGACY],
  ['1.129.5', UNNAMED, LEGACY],
  ['1.130.0', UNNAMED, LEGACY],
  ['1.130.0', withGate(true), UNIFIED],
  ['1.139.9', UNNAMED, LEGACY],
  ['1.139.9', withGate(true), UNIFIED],
  ['v1.140.0', UNNAMED, UNIFIED],
  ['1.143.2', UNNAMED, UNIFIED],
  ['1.143.2', withGate(false), LEGACY],
  ['1.144.0', UNNAMED, UNIFIED],
  ['1.150.0-dev', UNNAMED, UNIFIED],
] as const) {
  const named = gardenlet.includes('Unified') ? gardenlet.split('\n')[1]?.trim() : 'no gate named'
  t.test(`Gardener ${version || 'of no known version'}, ${named}: CONNECT on ${expected.port}`, async (t) => {
    const status = version === '' ? '' : `status: { gardener: { version: ${version} } }\n`
    const { code, stdout, stderr } = await renderInput(t, { gardenlet, shoot: `${SHOOT}${status}` })
    t.equal(code, 0, stderr)
    const objects = parseObjects(stdout)
    const config = parse(findObject(objects, 'ConfigMap', 'vpn-shoot').data['config.yaml'])
    t.equal(config.gateway, `http://api.plain.core.example:${expected.port}`)
    const destination = 'outbound|1194||vpn-seed-server.shoot--core--plain.svc.cluster.local'
    t.same(config.header, [`${expected.header}: ${destination}`])
    t.match(findObject(objects, 'Gateway').spec.servers[0].port, { number: expected.port, protocol: 'HTTP' })
    t.equal(findObject(objects, 'VirtualService').spec.http[0].match[0].port, expected.port)
    const listener = findObject(objects, 'EnvoyFilter', expected.filter).spec.configPatches[0].match.listener
    t.equal(listener.portNumber, expected.port)
    const route = findObject(objects, 'EnvoyFilter', 'vpn-seed-server-shoot--core--plain').spec
      .configPatches[0]
    t.equal(route.match.routeConfiguration.portNumber, expected.port)
    t.equal(route.patch.value.match.headers[0].name, expected.header)
  })
}

t.test('a gate that this Gardener does not know yet, or does not take any more, is refused', async (t) => {
  for (const [version, gardenlet, says] of [
    [
      '1.129',
      withGate(true),
      /UseUnifiedHTTPProxyPort came with Gardener 1\.130, and this is 1\.129; expected that it is left out\n/,
    ],
    [
      '1.144',
      withGate(false),
      /UseUnifiedHTTPProxyPort is false, but since Gardener 1\.144 it is always true/,
    ],
    [
      '1.140',
      withGate(true).replace('Proxy', 'Poxy'),
      /UseUnifiedHTTPPoxyPort: unknown gate, expected UseUnifiedHTTPProxyPort\n/,
    ],
  ] as const)
    t.match(await renderInput(t, { gardenlet, flags: ['--gardener-version', version] }), {
      code: 2,
      stdout: '',
      stderr: says,
    })
})
