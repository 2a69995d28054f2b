// What the guide for clusters without Gardener tells a person to type, typed in its order.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { CLUSTER_FILE } from './support/cluster.js'
import { PROGRAM, readTestFile } from './support/program.js'

const GUIDE = readFileSync(
  fileURLToPath(new URL('../../../docs/kubernetes.md', import.meta.url)),
  'utf8',
).split('\n')
const RENDERED = readTestFile('golden/cluster.yaml')

t.test('its commands work in their order, and make the folders that it goes on with', async (t) => {
  const commands = GUIDE.filter((line) => /^(NS=|cp |npx reversed-vpn )/.test(line))
  t.equal(commands.length, 6)
  const folder = t.testdir({ deploy: { kubernetes: {} } })
  cpSync(CLUSTER_FILE, join(folder, 'deploy/kubernetes/cluster.yaml'))
  const script = ['set -e', ...commands].join('\n').replaceAll('npx reversed-vpn', '"$NODE" "$PROGRAM"')
  const { status, stderr } = spawnSync('bash', ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, NODE: process.execPath, PROGRAM },
  })
  t.equal(status, 0, stderr)
  const secrets = GUIDE.flatMap((line) => /^for secret in (.*); do$/.exec(line)?.[1]?.split(' ') ?? [])
  t.same(readdirSync(join(folder, 'certificates')).sort(), ['ca', 'vpn-shoot-tls', ...secrets].sort())
  for (const path of [
    'rendered/seed/kube-apiserver/kustomization.yaml',
    'rendered/shoot',
    'rendered-gateway/seed',
  ])
    t.ok(existsSync(join(folder, path)), path)
})

t.test('what it says to add by hand is what is rendered', (t) => {
  const byHand = GUIDE.filter((line) => /^- the (flag|ConfigMap|Secret) /.test(line))
  t.equal(byHand.length, 3)
  for (const [, name = ''] of byHand.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)]))
    t.ok(RENDERED.includes(name), name)
  t.end()
})
