// Pods as rendered, each without one thing that its manifest gives it: a real kubelet has in the pod's status what is missing.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { ensureBinaries } from './binaries/index.js'
import { Clusters } from './cluster/index.js'
import { ensureImages } from './images/index.js'

const clusters = await Clusters.create({ binaries: await ensureBinaries(), images: await ensureImages() })
t.teardown(() => clusters.close())
const { shoot, rendered } = clusters

const NAMESPACE = 'kube-system'
const SECRET = 'vpn-shoot-tls'
const read = async (name: string) => parse(await readFile(join(rendered.shoot, name), 'utf8'))
const deployment = await read('vpn-shoot.deployment.yaml')
await shoot.apply([await read('vpn-shoot.serviceaccount.yaml'), await read('vpn-shoot.configmap.yaml')])
const [folder = ''] = (await rendered.secrets())
  .filter(({ name }) => name === SECRET)
  .map((secret) => secret.folder)
const fromFile = (key: string) => `--from-file=${join(folder, key)}`
await shoot.mustKubectl([
  ...['create', 'secret', 'generic', SECRET, '-n', NAMESPACE],
  ...[fromFile('tls.crt'), fromFile('ca.crt')],
])

interface Pod {
  readonly initContainers: { volumeMounts: { name: string }[]; securityContext: { capabilities: object } }[]
  readonly volumes: { name: string; secret?: { secretName: string } }[]
}

/** A pod as the Deployment makes it, but for what `change` does to it. */
async function start(name: string, change: (spec: Pod) => void): Promise<void> {
  const { metadata, spec } = structuredClone(deployment.spec.template)
  change(spec)
  const labels = { ...metadata.labels, app: name }
  await shoot.apply([
    { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels, name, namespace: NAMESPACE }, spec },
  ])
}

/** The termination message of a container, as soon as the kubelet has one. */
function messageOf(pod: string, containers: string): Promise<string> {
  const status = `{.status.${containers}[0]`
  const states = `${status}.state.terminated.message}${status}.lastState.terminated.message}`
  const isSaid = (said: string) => said !== ''
  return shoot.eventually(['get', 'pod', pod, '-n', NAMESPACE, '-o', `jsonpath=${states}`], 120_000, isSaid)
}

t.test('without the volume of /dev/net/tun, setup leaves that and the name of the volume', async (t) => {
  await start('no-device', ({ initContainers: [setup] }) => {
    if (setup) setup.volumeMounts = setup.volumeMounts.filter(({ name }) => name !== 'dev-net-tun')
  })
  const said = await messageOf('no-device', 'initContainerStatuses')
  t.match(said, /^shoot-client: .*there is no \/dev\/net\/tun, .*; .* comes by the volume dev-net-tun /)
})

t.test('without NET_ADMIN, setup leaves that and the field that gives it', async (t) => {
  await start('no-right', ({ initContainers: [setup] }) => {
    if (setup) setup.securityContext.capabilities = { drop: ['ALL'] }
  })
  const said = await messageOf('no-right', 'initContainerStatuses')
  t.match(said, /^shoot-client: .*expected CAP_NET_ADMIN; .*securityContext\.capabilities\.add, NET_ADMIN/)
})

t.test('without a key of the Secret, the daemon leaves its name and that of the volume', async (t) => {
  await start('no-key', () => undefined)
  const said = await messageOf('no-key', 'containerStatuses')
  t.match(
    said,
    /^shoot-client: --tls-key .*tls\.key: ENOENT; that folder is the Secret vpn-shoot-tls .* volume tls /,
  )
})

t.test('without the Secret, no container is started, and the kubelet says so', async (t) => {
  await start('no-secret', ({ volumes }) => {
    for (const { secret } of volumes) if (secret) secret.secretName = 'nobody-made-it'
  })
  const events = ['get', 'events', '-n', NAMESPACE, '--field-selector=involvedObject.name=no-secret']
  const isSaid = (said: string) => said.includes('FailedMount')
  t.match(await shoot.eventually(events, 120_000, isSaid), /secret "nobody-made-it" not found/)
})
