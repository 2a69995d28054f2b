import { join } from 'node:path'
import t from 'tap'
import { render, testFile } from './support/program.js'

const SHOOT_DIALS = 'gardenlet-on'
const SEED_DIALS = 'gardenlet-off'

t.test('says what comes, changes and goes when the shoot is to dial', async (t) => {
  const diff = await render(SHOOT_DIALS, 'plain', '--diff-from', testFile('input/gardenlet-off.yaml'))
  t.match(diff, /^added in the seed: Deployment shoot--core--plain\/vpn-seed-server$/m)
  t.match(diff, /^added in the seed: Component .*\/kube-apiserver-egress-selector$/m)
  t.match(diff, /^removed in the seed: Component .*\/kube-apiserver-vpn-sidecar$/m)
  t.match(diff, /^removed in the shoot: Service kube-system\/vpn-shoot$/m)
  t.match(diff, /^changed in the shoot: ConfigMap kube-system\/vpn-shoot$/m)
  t.match(diff, /^ {4}- listen: "\[::\]:4314"$/m)
  t.match(diff, /^ {4}\+ gateway: http:\/\/api\.plain\.core\.example:8132$/m)
  t.match(diff, /^16 added, 4 changed, 3 removed, 0 kept$/m)
})

t.test('switching back is the opposite, but for what other shoots share', async (t) => {
  const diff = await render(SEED_DIALS, 'plain', '--diff-from', testFile('input/gardenlet-on.yaml'))
  t.match(diff, /^removed in the seed: Deployment shoot--core--plain\/vpn-seed-server$/m)
  t.match(diff, /^kept in the seed: EnvoyFilter istio-ingress\/vpn-seed-server-connect, which other shoots/m)
  t.match(diff, /^3 added, 4 changed, 15 removed, 1 kept$/m)
})

t.test('compares with a stream, with numbers as numbers', async (t) => {
  const stream = join(t.testdir({ 'stream.yaml': await render(SHOOT_DIALS, 'plain') }), 'stream.yaml')
  t.equal(
    await render(SHOOT_DIALS, 'plain', '--diff-from', stream),
    '0 added, 0 changed, 0 removed, 0 kept\n',
  )
  const diff = await render(
    SHOOT_DIALS,
    'plain',
    '--diff-from',
    stream,
    '--image-seed-server',
    'example.org/other:1',
  )
  t.match(diff, /^ {4}\+ example\.org\/other:1$/m)
  t.match(diff, /^0 added, 1 changed, 0 removed, 0 kept$/m)
})

t.test('compares with another setting of the shoot', async (t) => {
  const shoot = join(t.testdir({ 'shoot.yaml': annotated('false') }), 'shoot.yaml')
  const diff = await render(SHOOT_DIALS, 'plain', '--diff-from', shoot)
  t.match(diff, /^16 added, 4 changed, 3 removed, 0 kept$/m)
})

function annotated(value: string): string {
  return `kind: Shoot
metadata:
  name: plain
  namespace: garden-core
  annotations:
    alpha.featuregates.shoot.gardener.cloud/reversed-vpn: "${value}"
spec:
  dns: { domain: plain.core.example }
  kubernetes: { version: 1.30.2 }
  networking: { pods: 100.96.0.0/11, services: 100.64.0.0/13, nodes: 10.250.0.0/16 }
`
}
