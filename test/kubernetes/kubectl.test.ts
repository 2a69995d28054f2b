// What a person does with kubectl, on a shoot whose kube-apiserver reaches it through the tunnel alone.
import { join } from 'node:path'
import { OpensslAuthority } from '@reversed-vpn/test/lab'
import t from 'tap'
import { ensureBinaries } from './binaries/index.js'
import { Clusters } from './cluster/index.js'
import { ensureImages } from './images/index.js'
import { copyFiles } from './scenes/copying.js'
import { readLogs } from './scenes/logs.js'
import { readMetrics, startMetricsServer } from './scenes/metrics.js'
import { forwardPort, useProxies } from './scenes/proxies.js'
import { startPods } from './scenes/scene.js'
import { attach, runCommands, runManyAtOnce, useTerminal } from './scenes/shell.js'
import { askWebhooks, startWebhook } from './scenes/webhooks.js'

const images = await ensureImages(['metrics-server'])
const clusters = await Clusters.create({ binaries: await ensureBinaries(), images })
t.teardown(() => clusters.close())
const { shoot } = clusters
await clusters.connect()
const authority = await OpensslAuthority.create(join(t.testdir({}), 'authority'), 'webhooks')
await Promise.all([startPods(shoot), startWebhook(shoot, authority), startMetricsServer(shoot)])

const SCENES = {
  'logs, and logs -f': readLogs,
  'exec over WebSocket and over SPDY': runCommands,
  'exec -it': useTerminal,
  attach,
  'twenty execs at once': runManyAtOnce,
  'cp, and exec -i': copyFiles,
  'the proxies of pods, Services and nodes': useProxies,
  'port-forward': forwardPort,
  'metrics-server as an aggregated API, and kubectl top': readMetrics,
  'webhooks that change, refuse and do not answer': askWebhooks,
} as const

for (const [name, scene] of Object.entries(SCENES)) {
  t.test(name, (t) => scene(t, shoot))
}
