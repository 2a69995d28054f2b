// What a person with kubectl sees of a shoot while parts of the tunnel are killed, deleted and rolled in real clusters.
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { OpensslAuthority } from '@reversed-vpn/test/lab'
import t from 'tap'
import { ensureBinaries } from './binaries/index.js'
import { Clusters, PRINTER, printerPod } from './cluster/index.js'
import { ensureImages } from './images/index.js'
import { JUDGED_CONFIG_MAP, startWebhook } from './scenes/webhooks.js'
import { type AskedRow, type Row, writeClusterTable } from './witness/cluster-table.js'
import { askWhile } from './witness/questions.js'
import { renewCertificates } from './witness/renewal.js'
import { Witness } from './witness/witness.js'

const MAX_BACK_MS = 120_000
const GONE_DEADLINE_MS = 120_000
const RENEWED = 'the certificates of both ends are renewed'
const ASKING = { everyMs: 100, deadlineMs: 60_000 } as const
const ASKED_FOR_MS = 30_000

const clusters = await Clusters.create({ binaries: await ensureBinaries(), images: await ensureImages() })
t.teardown(() => clusters.close())
const { seed, shoot, seedNamespace } = clusters
const HEALTH_OF_NODE = `/api/v1/nodes/${shoot.nodes[0]?.name}/proxy/healthz`
await shoot.apply([printerPod()])
await clusters.connect()
await shoot.eventually(['logs', PRINTER])

/** Has the pods of a Deployment replaced, and waits until the last of the old ones has ended too. */
const replace = async (cluster: typeof seed, namespace: string, name: string, act: readonly string[]) => {
  const list = ['get', 'pods', '-n', namespace, '-l', `app=${name}`, '-o', 'name']
  const old = (await cluster.mustKubectl(list)).stdout.trim().split('\n')
  await cluster.mustKubectl([...act, '-n', namespace], { deadlineMs: GONE_DEADLINE_MS })
  await cluster.rolledOut(namespace, name)
  await cluster.eventually(list, GONE_DEADLINE_MS, (names) => !old.some((one) => names.includes(one)))
}
const roll = (cluster: typeof seed, namespace: string, name: string) => () =>
  replace(cluster, namespace, name, ['rollout', 'restart', `deployment/${name}`])
const deletePods = (cluster: typeof seed, namespace: string, name: string) => () =>
  replace(cluster, namespace, name, ['delete', 'pod', '-l', `app=${name}`])
const apiServers = async (count: number) => {
  await seed.mustKubectl(['scale', 'deployment/kube-apiserver', '-n', seedNamespace, `--replicas=${count}`])
  await seed.rolledOut(seedNamespace, 'kube-apiserver')
  const list = ['get', 'pods', '-n', seedNamespace, '-l', 'role=apiserver', '-o', 'name']
  await seed.eventually(list, GONE_DEADLINE_MS, (names) => names.trim().split('\n').length === count)
}

const THINGS: readonly (readonly [string, () => Promise<unknown>])[] = [
  [
    "the shoot-client's container is killed",
    () => clusters.killContainer(shoot, 'kube-system', 'app=vpn-shoot'),
  ],
  ["the shoot-client's pod is deleted", deletePods(shoot, 'kube-system', 'vpn-shoot')],
  ['the Deployment of the shoot-client is rolled', roll(shoot, 'kube-system', 'vpn-shoot')],
  ["the gateway's Deployment is rolled", roll(seed, 'sni-gateway', 'sni-gateway')],
  [RENEWED, () => askWhileRenewed()],
  ["the seed-server's pod is deleted", deletePods(seed, seedNamespace, 'vpn-seed-server')],
  ['the Deployment of the seed-server is rolled', roll(seed, seedNamespace, 'vpn-seed-server')],
  [
    'kube-apiserver is scaled to two and back',
    async () => {
      await apiServers(2)
      await apiServers(1)
    },
  ],
]

const asked: AskedRow[] = []
const askWhileRenewed = async () => {
  const work = () => renewCertificates(clusters)
  const answers = await askWhile(shoot, { ...ASKING, method: 'GET', path: HEALTH_OF_NODE }, work)
  asked.push({ what: "a node's health, while the certificates of both ends are renewed", ...answers })
}

const rows: Row[] = []
for (const [what, breakIt] of THINGS) {
  t.test(what, async (t) => {
    await using witness = await Witness.start(shoot)
    const testimony = await witness.watch(breakIt)
    rows.push({ what, ...testimony })
    t.ok(
      testimony.backAfterMs < MAX_BACK_MS,
      `kubectl works again after ${testimony.backAfterMs.toFixed(0)} ms`,
    )
    t.notMatch([testimony.exec, testimony.logs], /gap/, 'a stream that goes on has lost no line')
  })
}

t.test('while certificates are renewed, no stream ends and no request fails', async (t) => {
  t.match(
    rows.find(({ what }) => what === RENEWED),
    { exec: 'went on', logs: 'went on' },
  )
  t.match(asked, [{ failed: 0 }])
})

t.test(
  'webhooks are asked ten times a second for 30 s while the Deployment of the shoot-client is rolled',
  async (t) => {
    const authority = await OpensslAuthority.create(join(t.testdir({}), 'authority'), 'webhooks')
    await startWebhook(shoot, authority)
    const work = () => Promise.all([roll(shoot, 'kube-system', 'vpn-shoot')(), wait(ASKED_FOR_MS)])
    const answers = await askWhile(shoot, { ...ASKING, ...JUDGED_CONFIG_MAP }, work)
    asked.push({ what: 'a ConfigMap, while the Deployment of the shoot-client is rolled', ...answers })
    t.ok(answers.failed < answers.asked, `${answers.failed} of ${answers.asked} failed`)
  },
)

t.test('the tables are written', async (t) => {
  t.equal(rows.length, THINGS.length)
  t.equal(asked.length, 2)
  await writeClusterTable(rows, asked)
})
