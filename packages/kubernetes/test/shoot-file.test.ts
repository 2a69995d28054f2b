// What a file with a Shoot may hold besides, and Shoots that need no tunnel.
import t from 'tap'
import { stringify } from 'yaml'
import { renderInput, shootOf } from './support/input.js'
import { readTestFile } from './support/program.js'

const SHOOT = readTestFile('input/plain.yaml')
const SECRET_BINDING = 'apiVersion: core.gardener.cloud/v1beta1\nkind: SecretBinding\nmetadata: { name: x }\n'
const indent = (text: string) => text.replace(/^(?=.)/gm, '    ')

for (const [title, shoot] of [
  ['a Secret before it', `---\n${SECRET_BINDING}---\n${SHOOT}`],
  ['others after it, and empty documents', `---\n---\n${SHOOT}---\n${SECRET_BINDING}---\n`],
  ['a comment only before it', `# mine\n---\n# yours\n---\n${SHOOT}`],
  [
    'a list of one, as kubectl prints it',
    stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        JSON.parse(
          shootOf({
            networking: { pods: '100.96.0.0/11', services: '100.64.0.0/13', nodes: '10.250.0.0/16' },
          }),
        ),
      ],
    }),
  ],
] as const) {
  t.test(`takes the one Shoot in a file with ${title}`, async (t) => {
    t.match(await renderInput(t, { shoot }), { code: 0, stderr: /the shoot dials/ })
  })
}

for (const [title, shoot, says] of [
  [
    'two Shoots',
    `${SECRET_BINDING}---\n${SHOOT}---\n${SHOOT}`,
    /shoot\.yaml: 3 YAML documents, 2 of kind Shoot, expected one\n/,
  ],
  [
    'none among others',
    `${SECRET_BINDING}---\n${SECRET_BINDING}`,
    /shoot\.yaml: 2 YAML documents, 0 of kind Shoot, expected one\n/,
  ],
  ['something else', SECRET_BINDING, /shoot\.yaml: kind: expected Shoot\n/],
  [
    'a shoot without workers',
    shootOf({ spec: { provider: { type: 'local' } } }),
    /shoot\.yaml: spec\.provider\.workers: is empty: a shoot without workers has no network and needs no tunnel, so nothing is rendered\n/,
  ],
  [
    'an empty list of workers',
    shootOf({ spec: { provider: { workers: [] } } }),
    /without workers .* needs no tunnel/,
  ],
  [
    'a shoot that is its own seed',
    shootOf({ spec: { provider: { workers: [{ name: 'control-plane', controlPlane: {} }] } } }),
    /spec\.provider\.workers: has a pool with controlPlane: such a shoot is its own seed and needs no tunnel/,
  ],
] as const) {
  t.test(`refuses ${title} in one sentence`, async (t) => {
    t.match(await renderInput(t, { shoot }), { code: 2, stdout: '', stderr: says })
  })
}

t.test('a gardenlet configuration is found where Gardener keeps it', async (t) => {
  const gardenlet = readTestFile('input/gardenlet-on.yaml')
  for (const [title, text] of [
    ['alone among others', `${SECRET_BINDING}---\n${gardenlet}`],
    ['in its ConfigMap', `kind: ConfigMap\ndata:\n  config.yaml: |\n${indent(gardenlet)}`],
    ['in a Gardenlet', `kind: Gardenlet\nspec:\n  config:\n${indent(gardenlet)}`],
  ] as const)
    t.match(await renderInput(t, { gardenlet: text }), { code: 0, stderr: /the shoot dials/ }, title)
  t.match(await renderInput(t, { gardenlet: 'kind: ManagedSeed\nspec: {}\n' }), {
    code: 2,
    stderr:
      /gardenlet\.yaml: kind: expected GardenletConfiguration, .* ConfigMap garden\/gardenlet-configmap-/,
  })
})
