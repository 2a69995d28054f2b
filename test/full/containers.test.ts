// The daemons as containers: images built as their manual says, started from what `reversed-vpn render` printed.
import { readFileSync } from 'node:fs'
import { binOf, type Daemon, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { readMachine } from '../e2e/support/machine.js'
import { inUrl } from '../e2e/support/tunnel-lab.js'
import { ContainerLab } from './support/containers/container-lab.js'
import { MAX_ADDED_BYTES } from './support/containers/images.js'
import type { Pod } from './support/containers/pod.js'
import { Traffic } from './support/containers/traffic.js'

const NO_CAPABILITY = '0000000000000000'
/** CAP_NET_ADMIN is number 12. */
const NET_ADMIN_ALONE = (1 << 12).toString(16).padStart(16, '0')
const SEED_TRANSFER = ['192.168.123.1', 'fd8f:6d53:b97a:1::1']

const stage = await ContainerLab.create()
t.teardown(() => stage.lab.close())
const { node, pod1, seed: seedHost } = stage.lab.hosts
const { 'seed-server': seedPod, 'shoot-client': clientPod, 'sni-gateway': gatewayPod } = stage.pods
const [traffic] = await Promise.all([Traffic.prepare(stage), startNginx(stage.lab, seedHost, { port: 8080 })])
const untouched = await readBoth()

t.test('images are built, and add little to their base', async (t) => {
  for (const [daemon, added] of await stage.buildImages()) {
    t.ok(added > 0 && added < MAX_ADDED_BYTES, `${daemon} adds ${(added / 1e6).toFixed(1)} MB`)
  }
})

t.test('bad flags are one line and exit code 2', async (t) => {
  for (const [daemon, pod] of Object.entries(stage.pods)) {
    const { code, stdout, stderr } = await pod.runToEnd('--admin-listen=nowhere')
    t.match({ code, stdout }, { code: 2, stdout: '' })
    t.match(stderr, new RegExp(`^${daemon}: --admin-listen "nowhere" \\(command line\\): expected .+\\n$`))
  }
})

t.test('all in one: root with CAP_NET_ADMIN alone', async (t) => {
  const gateway = await gatewayPod.start()
  const [seed, client] = await Promise.all([seedPod.startAllInOne(), clientPod.startAllInOne()])
  await traffic.expect(t, seed, client)
  for (const pod of [seedPod, clientPod]) {
    const status = await statusOf(pod)
    for (const set of ['Eff', 'Prm', 'Bnd']) t.match(status, `Cap${set}:\t${NET_ADMIN_ALONE}\n`)
    t.match(status, /^Uid:(\s+0){4}$/m)
    t.match(status, /^NoNewPrivs:\s+1$/m)
    t.strictSame(await writableMounts(pod), [])
  }
  await expectHealth(t)
  await expectGracefulEnds(t, [seed, client, gateway])
  // The network of a real pod goes with it; this one is a host of the lab.
  await seedHost.mustRun(binOf('seed-server'), ['setup', '--undo'])
  await node.mustRun(binOf('shoot-client'), ['setup', '--undo'])
  t.strictSame(await readBoth(), untouched, 'both took their network away again')
})

t.test('strict: an init container makes the network, then nobody has any capability', async (t) => {
  for (const { stdout, stderr, code } of await Promise.all([seedPod.setUp(), clientPod.setUp()])) {
    t.match({ code, stderr }, { code: 0, stderr: '' })
    t.match(stdout, /"isNew":true.*"msg":"network set up"/)
  }
  const prepared = await readBoth()
  const [gateway, seed, firstClient] = await Promise.all([
    gatewayPod.start(),
    seedPod.start(),
    clientPod.start(),
  ])
  await traffic.expect(t, seed, firstClient)
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
  await traffic.expect(t, seed, client)
  await expectGracefulEnds(t, [seed, client, gateway])
  t.strictSame(await readBoth(), prepared)
})

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

/** The shoot opens no connection into the seed. */
async function expectNoWayBack(t: Test): Promise<void> {
  for (const address of SEED_TRANSFER) {
    const args = ['-sS', '-g', '-m', '1', `http://${inUrl(address)}:8080/`]
    t.match(await seedHost.run('curl', args), { code: 0, stdout: 'seed\n' }, 'to itself')
    for (const from of [node, pod1]) t.not((await from.run('curl', args)).code, 0, `${from.name}: ${address}`)
  }
}

async function expectHealth(t: Test): Promise<void> {
  for (const pod of Object.values(stage.pods)) {
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
