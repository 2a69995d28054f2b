// The daemons as containers: images built as their manual says, started from what `reversed-vpn render` printed.
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { curlThroughEgress, type Daemon, Lab, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { publishNoise, sha256Of } from '../e2e/support/files.js'
import { readMachine } from '../e2e/support/machine.js'
import { inUrl } from '../e2e/support/tunnel-lab.js'
import { ContainerTools } from './support/containers/container-tools.js'
import { BASE_IMAGE, buildImage, importBase, sizeOf } from './support/containers/images.js'
import { API_SERVER_HOST, Manifests, SEED_SERVER_HOST } from './support/containers/manifests.js'
import { Pod } from './support/containers/pod.js'

const MIB = 1024 * 1024
const MAX_ADDED_BYTES = 60_000_000
const NOISE_BYTES = 16 * MIB
const NO_CAPABILITY = '0000000000000000'
/** CAP_NET_ADMIN is number 12. */
const NET_ADMIN_ALONE = (1 << 12).toString(16).padStart(16, '0')
const SEED_TRANSFER = ['192.168.123.1', 'fd8f:6d53:b97a:1::1']

const lab = await Lab.create()
t.teardown(() => lab.close())
const { caller, gateway: gatewayHost, node, node2, pod1, seed: seedHost } = lab.hosts
const [tools, manifests] = await Promise.all([ContainerTools.create(lab), Manifests.render(lab), nameHosts()])
await importBase(tools)
const [seedPod, clientPod, gatewayPod] = await Promise.all([
  Pod.create(tools, manifests, 'vpn-seed-server', seedHost),
  Pod.create(tools, manifests, 'vpn-shoot', node),
  Pod.create(tools, manifests, 'sni-gateway', gatewayHost),
])
const PODS = { 'seed-server': seedPod, 'shoot-client': clientPod, 'sni-gateway': gatewayPod }
await Promise.all([startNginx(lab, pod1), startNginx(lab, node2), startNginx(lab, seedHost, { port: 8080 })])
const noise = await publishNoise(lab, pod1, 'noise', NOISE_BYTES)
const untouched = await readBoth()

t.test('images are built, and add little to their base', async (t) => {
  const baseBytes = await sizeOf(tools, BASE_IMAGE)
  for (const [daemon, { image }] of Object.entries(PODS)) {
    await buildImage(tools, daemon, image)
    const added = (await sizeOf(tools, image)) - baseBytes
    t.ok(added < MAX_ADDED_BYTES, `${daemon} adds ${(added / 1e6).toFixed(1)} MB`)
    t.ok(added > 0)
  }
})

t.test('bad flags are one line and exit code 2', async (t) => {
  for (const [daemon, pod] of Object.entries(PODS)) {
    const { code, stdout, stderr } = await pod.runToEnd('--admin-listen=nowhere')
    t.match({ code, stdout }, { code: 2, stdout: '' })
    t.match(stderr, new RegExp(`^${daemon}: --admin-listen "nowhere" \\(command line\\): expected .+\\n$`))
  }
})

t.test('all in one: root with CAP_NET_ADMIN alone', async (t) => {
  const gateway = await gatewayPod.start()
  const [seed, client] = await Promise.all([seedPod.startAllInOne(), clientPod.startAllInOne()])
  await expectTraffic(t, seed, client)
  for (const pod of [seedPod, clientPod]) {
    const status = await statusOf(pod)
    for (const set of ['Eff', 'Prm', 'Bnd']) t.match(status, `Cap${set}:\t${NET_ADMIN_ALONE}\n`)
    t.match(status, /^Uid:(\s+0){4}$/m)
    t.match(status, /^NoNewPrivs:\s+1$/m)
    t.strictSame(await writableMounts(pod), [])
  }
  await expectHealth(t)
  await expectGracefulEnds(t, [seed, client, gateway])
  t.strictSame(await readBoth(), untouched, 'both took their network away again')
})

t.test('strict: an init container makes the network, then nobody has any capability', async (t) => {
  for (const { stdout, stderr, code } of await Promise.all([seedPod.setUp(), clientPod.setUp()])) {
    t.match({ code, stderr }, { code: 0, stderr: '' })
    t.match(stdout, /"msg":"set up"/)
  }
  const prepared = await readBoth()
  const [gateway, seed, firstClient] = await Promise.all([
    gatewayPod.start(),
    seedPod.start(),
    clientPod.start(),
  ])
  await expectTraffic(t, seed, firstClient)
  for (const pod of [seedPod, clientPod, gatewayPod]) {
    const status = await statusOf(pod)
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      t.match(status, `Cap${set}:\t${NO_CAPABILITY}\n`, `Cap${set} of ${pod.name}`)
    }
    t.match(status, /^Uid:(\s+65532){4}$/m)
    t.match(status, /^NoNewPrivs:\s+1$/m)
    t.match(status, /^Seccomp:\s+2$/m)
    t.strictSame(await writableMounts(pod), [])
    const touched = await pod.exec('sh', '-c', 'touch /tmp/x; touch /app/x; touch /x')
    t.equal(touched.stderr.match(/Read-only file system/g)?.length, 3)
  }
  await expectHealth(t)
  await expectNoWayBack(t)

  t.equal((await clientPod.podman('kill', '--signal', 'KILL')).code, 0)
  t.equal((await firstClient.process.exited).code, 137)
  const client = await clientPod.start()
  await expectTraffic(t, seed, client)
  await expectGracefulEnds(t, [seed, client, gateway])
  t.strictSame(await readBoth(), prepared)
})

/** The names that manifests have, which a cluster's DNS would answer. */
async function nameHosts(): Promise<void> {
  const names = [
    [gatewayHost.addresses, API_SERVER_HOST],
    [seedHost.addresses, SEED_SERVER_HOST],
  ] as const
  const lines = names.flatMap(([{ ipv4, ipv6 }, name]) => [`${ipv4} ${name}`, `${ipv6} ${name}`])
  for (const host of [gatewayHost, node]) {
    const file = join(lab.etcDir(host.name), 'hosts')
    await writeFile(file, `${await readFile(file, 'utf8')}${lines.join('\n')}\n`)
  }
}

async function readBoth() {
  return { seed: await readMachine(seedHost), node: await readMachine(node) }
}

async function statusOf(pod: Pod): Promise<string> {
  return readFileSync(`/proc/${await pod.pid()}/status`, 'utf8')
}

/** Every place a process could write to that is no file system of the kernel's. */
async function writableMounts(pod: Pod): Promise<string[]> {
  const lines = readFileSync(`/proc/${await pod.pid()}/mountinfo`, 'utf8')
    .trim()
    .split('\n')
  return lines
    .map((line) => line.split(' '))
    .filter(([, , , , , options = '']) => !/^ro(,|$)/.test(options))
    .map(([, , , , place = '']) => place)
    .filter((place) => !/^\/(proc|sys|dev)(\/|$)/.test(place))
}

async function expectTraffic(t: Test, seed: Daemon, client: Daemon): Promise<void> {
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  for (const address of Object.values(pod1.addresses)) {
    const url = `http://${inUrl(address)}/`
    t.match(await curlProxied(url), { code: 0, stdout: 'pod1\n' }, `${url} through the proxy`)
    t.match(await curlRouted(url), { code: 0, stdout: 'pod1\n' }, `${url} routed`)
  }
  for (const address of Object.values(node2.addresses)) {
    const { stdout } = await caller.run('ping', ['-c', '2', '-i', '0.05', '-W', '1', address])
    t.match(stdout, ' 2 received', `ping ${address}`)
  }
  const copy = join(lab.dir, 'copy')
  t.match(await curlProxied(`http://${pod1.addresses.ipv4}/noise`, ['-o', copy]), { code: 0 })
  t.equal(await sha256Of(copy), noise.sha256, 'a large file arrives as it was')
  t.match(await curlProxied('http://192.0.2.1/'), { code: 56, stderr: /403/ }, 'but not from elsewhere')
}

/** The shoot opens no connection into the seed. */
async function expectNoWayBack(t: Test): Promise<void> {
  for (const address of SEED_TRANSFER) {
    const args = ['-sS', '-g', '-m', '1', `http://${inUrl(address)}:8080/`]
    t.match(await seedHost.run('curl', args), { code: 0, stdout: 'seed\n' }, 'to itself')
    for (const from of [node, pod1]) t.not((await from.run('curl', args)).code, 0, `${from.name}: ${address}`)
  }
}

async function expectHealth(t: Test): Promise<void> {
  for (const pod of Object.values(PODS)) {
    const { code, stdout, stderr } = await pod.podman('healthcheck', 'run')
    t.match({ code, said: stdout + stderr }, { code: 0, said: /^(healthy\n?)?$/ }, `${pod.name} is healthy`)
  }
}

/** SIGTERM, as a kubelet sends it. */
async function expectGracefulEnds(t: Test, daemons: readonly Daemon[]): Promise<void> {
  for (const { process } of daemons) {
    process.kill('SIGTERM')
    t.strictSame(await process.exited, { code: 0, signal: null })
  }
}

function curlProxied(url: string, args: readonly string[] = []) {
  const secret = (folder: string, name: string) => join(manifests.secretsDir, folder, name)
  const certificates = {
    egressCa: { certFile: secret('kube-apiserver-egress-tls', 'ca.crt') },
    apiserver: {
      certFile: secret('kube-apiserver-egress-tls', 'tls.crt'),
      keyFile: secret('kube-apiserver-egress-tls', 'tls.key'),
    },
  }
  return curlThroughEgress(lab, url, {
    certificates,
    proxyHost: 'vpn-seed-server',
    args: ['-m', '15', ...args],
  })
}

function curlRouted(url: string) {
  return caller.run('curl', ['-sS', '-g', '-m', '15', url])
}
