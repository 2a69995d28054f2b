import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readTestFile, runProgram, testFile } from './support/program.js'

const SHOOT = readTestFile('input/plain.yaml')
const GARDENLET = readTestFile('input/gardenlet-on.yaml')

interface Case {
  readonly title: string
  readonly shoot?: string
  readonly gardenlet?: string
  readonly flags?: readonly string[]
  readonly says: RegExp
}

const NETWORKS = / {2}networking:\n( {4}.*\n)+/
const withPods = (pods: string) => SHOOT.replace('pods: 100.96.0.0/11', `pods: ${pods}`)
const withVersion = (version: string) => SHOOT.replace('version: 1.30.2', `version: ${version}`)
const withGates = (gates: string) => GARDENLET.replace('  ReversedVPN: true', gates)

const BAD: readonly Case[] = [
  {
    title: 'a shoot without networks',
    shoot: SHOOT.replace(NETWORKS, ''),
    says: /shoot\.yaml: spec\.networking: is not given, expected .*pods, services and nodes/,
  },
  {
    title: 'a shoot without one of them',
    shoot: SHOOT.replace(/ {4}nodes: .*\n/, ''),
    says: /shoot\.yaml: spec\.networking\.nodes: is not given, expected /,
  },
  {
    title: 'networks that overlap',
    shoot: withPods('100.64.0.0/10'),
    says: /spec\.networking\.services: 100\.64\.0\.0\/13 overlaps 100\.64\.0\.0\/10 of pods, expected /,
  },
  {
    title: 'nodes inside the pods',
    shoot: SHOOT.replace('10.250.0.0/16', '100.100.0.0/16'),
    says: /spec\.networking\.nodes: 100\.100\.0\.0\/16 overlaps 100\.96\.0\.0\/11 of pods/,
  },
  {
    title: 'a network that overlaps the transfer network',
    shoot: withPods('192.168.0.0/16'),
    says: /spec\.networking\.pods: 192\.168\.0\.0\/16 overlaps the transfer network 192\.168\.123\.0\/24, expected --vpn-network/,
  },
  {
    title: 'host bits',
    shoot: withPods('100.96.0.1/11'),
    says: /spec\.networking\.pods: CIDR 100\.96\.0\.1\/11 has host bits set, expected 100\.96\.0\.0\/11/,
  },
  {
    title: 'host bits of IPv6',
    shoot: readTestFile('input/ipv6-only.yaml').replace('2001:db8:1::/48', '2001:db8:1::5/48'),
    says: /2001:db8:1::5\/48 has host bits set, expected 2001:db8:1::\/48/,
  },
  ...[
    '100.96.0.0',
    '100.96.0/11',
    '0100.96.0.0/11',
    '100.96.0.0/011',
    '100.96.0.0/11/1',
    'fe80::1%eth0/64',
    'pods',
  ].map(
    (cidr): Case => ({
      title: `${cidr} for a network`,
      shoot: withPods(JSON.stringify(cidr)),
      says: /spec\.networking\.pods: CIDR .*expected (ADDRESS\/LENGTH|0 to 32)/,
    }),
  ),
  {
    title: 'a prefix too long',
    shoot: withPods('100.96.0.0/33'),
    says: /pods: .* prefix length 33, expected 0 to 32/,
  },
  {
    title: 'the whole internet',
    shoot: withPods('0.0.0.0/0'),
    says: /pods: network 0\.0\.0\.0\/0 has prefix length 0, expected 1 to 32/,
  },
  {
    title: 'a network of another family than ipFamilies says',
    shoot: SHOOT.replace('  networking:', '  networking:\n    ipFamilies: [IPv6]'),
    says: /spec\.networking\.pods: 100\.96\.0\.0\/11 is IPv4, expected IPv6 as ipFamilies says/,
  },
  {
    title: 'a family without services',
    shoot: withPods('[100.96.0.0/11, "fd00::/48"]'),
    says: /spec\.networking\.services: IPv4 only, expected a network of IPv6 too/,
  },
  ...['latest', '1', '"1"', 'v1', '1.x', '""'].map(
    (version): Case => ({
      title: `version ${version}`,
      shoot: withVersion(version),
      says: /shoot\.yaml: spec\.kubernetes\.version: ".*", expected a version such as 1\.30/,
    }),
  ),
  {
    title: 'no version',
    shoot: SHOOT.replace(/ {4}version: .*\n/, '    x: 1\n'),
    says: /spec\.kubernetes\.version: expected a version/,
  },
  {
    title: 'two documents in the shoot',
    shoot: `${SHOOT}---\n${SHOOT}`,
    says: /shoot\.yaml: 2 YAML documents, 2 of kind Shoot, expected one/,
  },
  {
    title: 'two documents in the gardenlet configuration',
    gardenlet: `${GARDENLET}---\n${GARDENLET}`,
    says: /gardenlet\.yaml: 2 YAML documents, 2 of kind GardenletConfiguration, expected one/,
  },
  { title: 'an empty file', shoot: '', says: /shoot\.yaml: 0 YAML documents, 0 of kind Shoot, expected one/ },
  { title: 'what is no YAML', shoot: 'a: [1', says: /shoot\.yaml: .*line 1/ },
  { title: 'a key twice', shoot: `${SHOOT}kind: Shoot\n`, says: /shoot\.yaml: Map keys must be unique/ },
  { title: 'a list', shoot: '- 1\n', says: /shoot\.yaml: the document: expected a Shoot/ },
  {
    title: 'the files exchanged',
    shoot: GARDENLET,
    gardenlet: SHOOT,
    says: /gardenlet\.yaml: kind: expected GardenletConfiguration/,
  },
  {
    title: 'a gate that is text',
    gardenlet: withGates('  ReversedVPN: "true"'),
    says: /gardenlet\.yaml: featureGates\.ReversedVPN: expected true or false, without quotes/,
  },
  {
    title: 'a gate that is a number',
    gardenlet: withGates('  HVPAForShoot: 1'),
    says: /featureGates\.HVPAForShoot: expected true or false/,
  },
  {
    title: 'a gate that is misspelt',
    gardenlet: withGates('  ReverseVPN: true'),
    says: /featureGates\.ReverseVPN: unknown gate, expected ReversedVPN/,
  },
  {
    title: 'gates that exclude each other',
    gardenlet: withGates('  ReversedVPN: true\n  KonnectivityTunnel: true'),
    says: /gardenlet\.yaml: featureGates: ReversedVPN and KonnectivityTunnel are both true/,
  },
  {
    title: 'gates that are a list',
    gardenlet: 'featureGates: [ReversedVPN]\n',
    says: /featureGates: expected a mapping/,
  },
  {
    title: 'a name that is none',
    shoot: SHOOT.replace('name: plain', 'name: ../plain'),
    says: /metadata\.name: expected at most 63 small letters/,
  },
  {
    title: 'a name too long for the seed',
    shoot: SHOOT.replace('name: plain', `name: ${'p'.repeat(55)}`),
    says: /metadata\.name: its namespace in the seed would be .*, expected at most 63/,
  },
  {
    title: 'an option that is called otherwise',
    flags: ['--gardenlet-config', 'gardenlet.yaml'],
    says: /unknown option '--gardenlet-config', did you mean --gardenlet\?/,
  },
  {
    title: 'two endpoints',
    flags: ['--istio', '--gateway'],
    says: /--gateway .*leave out --istio or --gateway/,
  },
  { title: 'no endpoint', flags: ['--no-istio'], says: /--istio .*expected --gateway/ },
  {
    title: 'a transfer network of the wrong family',
    flags: ['--vpn-network=fd00:1::/112'],
    says: /--vpn-network .*expected one network of IPv4/,
  },
  {
    title: 'something else to compare with',
    flags: ['--diff-from', testFile('tsconfig.json')],
    says: /tsconfig\.json: .*not rendered/,
  },
  {
    title: 'nothing to compare with',
    flags: ['--diff-from', '/nowhere'],
    says: /\/nowhere: cannot be read: .*ENOENT/,
  },
  {
    title: 'a file as folder',
    flags: ['--output', testFile('tsconfig.json')],
    says: /tsconfig\.json: is a file/,
  },
]

for (const { title, shoot = SHOOT, gardenlet = GARDENLET, flags = [], says } of BAD) {
  t.test(`refuses ${title}: one line, exit code 2, nothing written`, async (t) => {
    const folder = t.testdir({ 'shoot.yaml': shoot, 'gardenlet.yaml': gardenlet })
    const output = join(folder, 'output')
    const files = ['--shoot', join(folder, 'shoot.yaml'), '--gardenlet', join(folder, 'gardenlet.yaml')]
    const outcome = await runProgram('render', ...files, '--output', output, ...flags)
    t.match(outcome.stderr, says)
    t.match(outcome.stderr, /^reversed-vpn: .*\n$/)
    t.match(outcome, { code: 2, stdout: '' })
    t.notOk(existsSync(output))
  })
}

t.test('refuses a file that is not there', async (t) => {
  const outcome = await runProgram(
    'render',
    '--shoot',
    '/nowhere',
    '--gardenlet',
    testFile('input/gardenlet-on.yaml'),
  )
  t.match(outcome, { code: 2, stdout: '', stderr: /^reversed-vpn: \/nowhere: cannot be read: .*\n$/ })
})

t.test('refuses to do nothing', async (t) => {
  t.match(await runProgram(), { code: 2, stdout: '', stderr: /expected render, gateway or certs\n$/ })
})

for (const [title, shoot, says] of [
  ['IPv6 only', readTestFile('input/ipv6-only.yaml'), /the shoot dials/],
  ['version 1.9', withVersion('1.9'), /the seed dials: Kubernetes 1\.9 is older/],
  ['version 1.30 without quotes', withVersion('1.30'), /the shoot dials/],
  ['a release candidate', withVersion('v1.18.0-rc.1'), /the shoot dials/],
  ['version v1.17.3', withVersion('v1.17.3'), /the seed dials/],
  ['pods as one text', withPods('"100.96.0.0/12,100.112.0.0/12"'), /the shoot dials/],
  [
    'a shoot without domain, with a warning',
    SHOOT.replace(/ {2}dns:\n.*\n/, ''),
    /no spec\.dns\.domain .*\.invalid/,
  ],
  [
    'an annotation that says nothing, with a warning',
    SHOOT.replace(
      'spec:',
      '  annotations:\n    alpha.featuregates.shoot.gardener.cloud/reversed-vpn: maybe\nspec:',
    ),
    /is ignored: its value is "maybe"/,
  ],
] as const) {
  t.test(`takes ${title}`, async (t) => {
    const folder = t.testdir({ 'shoot.yaml': shoot, 'gardenlet.yaml': GARDENLET })
    const files = ['--shoot', join(folder, 'shoot.yaml'), '--gardenlet', join(folder, 'gardenlet.yaml')]
    t.match(await runProgram('render', ...files), { code: 0, stderr: says, stdout: /^---\n/ })
  })
}

t.test('a folder is written as the stream is, and holds nothing that is not wanted any more', async (t) => {
  const folder = t.testdir({ output: {} })
  const output = join(folder, 'output')
  const inputs = (gardenlet: string) => [
    ...['--gardenlet', testFile(`input/${gardenlet}.yaml`)],
    ...['--shoot', testFile('input/plain.yaml')],
  ]
  const write = (gardenlet: string) => runProgram('render', ...inputs(gardenlet), '--output', output)
  t.match(await write('gardenlet-off'), { code: 0, stdout: '' })
  t.ok(existsSync(join(output, 'shoot/vpn-shoot.service.yaml')))
  t.match(await write('gardenlet-on'), { code: 0, stdout: '' })
  t.notOk(existsSync(join(output, 'shoot/vpn-shoot.service.yaml')))
  t.match(await runProgram('render', ...inputs('gardenlet-on'), '--diff-from', output), {
    stdout: '0 added, 0 changed, 0 removed, 0 kept\n',
  })

  writeFileSync(join(output, 'seed/mine.yaml'), 'a: 1\n')
  t.match(await write('gardenlet-off'), { code: 2, stderr: /mine\.yaml: was not rendered by this program/ })
  t.notOk(existsSync(join(output, 'shoot/vpn-shoot.service.yaml')), 'nothing was changed')
})
