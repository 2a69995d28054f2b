import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CLUSTER } from './support/cluster.js'
import { runProgram, testFile } from './support/program.js'

const replaced = (from: string | RegExp, to: string) => {
  if (CLUSTER.replace(from, to) === CLUSTER) throw new Error(`the example has no ${from}`)
  return CLUSTER.replace(from, to)
}

interface Case {
  readonly title: string
  readonly cluster?: string
  readonly flags?: readonly string[]
  readonly says: RegExp
}

const BAD: readonly Case[] = [
  {
    title: 'a key that is misspelt',
    cluster: replaced('  apiServer:', '  apiserver:'),
    says: /cluster\.yaml: seed\.apiserver: unknown key, expected apiServer\n/,
  },
  {
    title: 'a key that is misspelt where it could be left out',
    cluster: replaced('  # secret: vpn-shoot-tls', '  secrets: x'),
    says: /cluster\.yaml: shoot\.secrets: unknown key, expected secret\n/,
  },
  {
    title: 'a key that nobody knows',
    cluster: `${CLUSTER}prometheus: {}\n`,
    says: /cluster\.yaml: prometheus: unknown key, expected one of seed, shoot, gateway, loadBalancer\n/,
  },
  {
    title: 'no namespace',
    cluster: replaced(/ {2}namespace: shoot-one.*\n/, ''),
    says: /seed\.namespace: is not given, expected at most 63 small letters, digits and hyphens\n/,
  },
  {
    title: 'a namespace that is none',
    cluster: replaced('shoot-one', '../one'),
    says: /seed\.namespace: "\.\.\/one", expected at most 63 small letters/,
  },
  {
    title: 'no version',
    cluster: replaced(/ {4}version: .*\n/, ''),
    says: /seed\.apiServer\.version: is not given, expected a version such as 1\.30/,
  },
  {
    title: 'a version that is none',
    cluster: replaced('version: 1.34.4', 'version: newest'),
    says: /seed\.apiServer\.version: "newest", expected a version such as 1\.30/,
  },
  {
    title: 'labels that are text',
    cluster: replaced(/labels: .*\n.*\n/, 'labels: app=kube-apiserver\n'),
    says: /seed\.apiServer\.labels: "app=kube-apiserver", expected a mapping of labels to text\n/,
  },
  {
    title: 'a list for a mapping',
    cluster: replaced(/gateway:[\s\S]*/, 'gateway: [203.0.113.10]\n'),
    says: /gateway: \["203\.0\.113\.10"\], expected a mapping with namespace, address, port\n/,
  },
  {
    title: 'a kind of network left out',
    cluster: replaced(/ {4}nodes: .*\n/, ''),
    says: /shoot\.networks\.nodes: is not given, expected a network such as 10\.0\.0\.0\/16, or a list of them\n/,
  },
  {
    title: 'an empty list of networks',
    cluster: replaced('10.250.0.0/16', '[]'),
    says: /shoot\.networks\.nodes: \[\], expected a network/,
  },
  {
    title: 'a network that is none',
    cluster: replaced('10.250.0.0/16', '[10.250.0.0/16, 10.251.0.0]'),
    says: /shoot\.networks\.nodes\[1\]: CIDR .*10\.251\.0\.0.*expected ADDRESS\/LENGTH/,
  },
  {
    title: 'networks that overlap',
    cluster: replaced('10.132.0.0/16', '10.131.0.0/16'),
    says: /shoot\.networks\.services: 10\.131\.0\.0\/16 overlaps 10\.128\.0\.0\/14 of pods, expected pods, services and nodes apart\n/,
  },
  {
    title: 'a network that overlaps the transfer network',
    cluster: replaced('10.250.0.0/16', '192.168.0.0/16'),
    says: /shoot\.networks\.nodes: 192\.168\.0\.0\/16 overlaps the transfer network 192\.168\.123\.0\/24, expected --vpn-network/,
  },
  {
    title: 'pods of a family that services do not have',
    cluster: replaced('10.128.0.0/14', '[10.128.0.0/14, "fd00::/64"]'),
    says: /shoot\.networks\.services: IPv4 only, expected a network of IPv6 too: pods and services have the same families\n/,
  },
  {
    title: 'no address',
    cluster: replaced(/ {2}address: 203.*\n/, '  port: 8132\n'),
    says: /gateway\.address: is not given, expected a DNS name or an IP address\n/,
  },
  {
    title: 'a URL for an address',
    cluster: replaced('address: 203.0.113.10', 'address: http://gate.example:8132'),
    says: /gateway\.address: "http:\/\/gate\.example:8132", expected a DNS name or an IP address\n/,
  },
  {
    title: 'a port that is none',
    cluster: replaced('# port: 8132', 'port: 81320'),
    says: /gateway\.port: "81320", expected a port from 1 to 65535\n/,
  },
  {
    title: 'nobody to dial',
    cluster: replaced(/^gateway:[\s\S]*/m, ''),
    says: /gateway: is not given, expected a mapping with address, or loadBalancer where the seed dials\n/,
  },
  {
    title: 'both to dial',
    cluster: `${CLUSTER}loadBalancer: { address: x.example }\n`,
    says: /gateway: is given and loadBalancer too, expected one of them/,
  },
  {
    title: 'two documents',
    cluster: `${CLUSTER}---\n${CLUSTER}`,
    says: /: 2 YAML documents, expected one\n/,
  },
  { title: 'an empty file', cluster: '', says: /: 0 YAML documents, expected one\n/ },
  { title: 'text', cluster: 'hello\n', says: /the document: "hello", expected a mapping with seed, shoot,/ },
  {
    title: 'a Shoot besides',
    flags: ['--shoot', testFile('input/plain.yaml')],
    says: /--shoot ".*plain\.yaml" .*: is for Gardener, and --cluster for Kubernetes without it, expected one of them\n/,
  },
  {
    title: 'a gardenlet configuration besides',
    flags: ['--gardenlet', testFile('input/gardenlet-on.yaml')],
    says: /--gardenlet .*: is for Gardener, and --cluster .* expected one of them\n/,
  },
  {
    title: 'a version of Gardener',
    flags: ['--gardener-version=1.150'],
    says: /--gardener-version .*one of them\n/,
  },
  { title: 'Istio', flags: ['--istio'], says: /--istio .*one of them\n/ },
  { title: 'more nodes', flags: ['--node-network=10.9.0.0/16'], says: /--node-network .*one of them\n/ },
]

for (const { title, cluster = CLUSTER, flags = [], says } of BAD) {
  t.test(`a cluster file is refused with ${title}: one line, exit code 2, nothing written`, async (t) => {
    const folder = t.testdir({ 'cluster.yaml': cluster })
    const output = join(folder, 'output')
    const file = join(folder, 'cluster.yaml')
    const outcome = await runProgram('render', '--cluster', file, '--output', output, ...flags)
    t.match(outcome.stderr, says)
    t.match(outcome.stderr, /^reversed-vpn: [^\n]*\n$/)
    t.match(outcome, { code: 2, stdout: '' })
    t.notOk(existsSync(output))
  })
}

t.test('without any input the two ways are named, and with half of one the other half', async (t) => {
  t.match(await runProgram('render'), {
    code: 2,
    stderr: 'reversed-vpn: no input is given, expected --gardenlet and --shoot, or --cluster\n',
  })
  t.match(await runProgram('render', '--shoot', testFile('input/plain.yaml')), {
    code: 2,
    stderr: 'reversed-vpn: --gardenlet: is not given, expected a YAML file\n',
  })
})
