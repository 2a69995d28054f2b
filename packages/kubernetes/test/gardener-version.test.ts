// What it means that a gardenlet's configuration does not name ReversedVPN depends on the version of Gardener.
import t from 'tap'
import { renderInput } from './support/input.js'
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
