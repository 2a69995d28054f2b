// Both daemons as programs for arm64, on an emulated processor and the kernel of this machine.
import { binOf, mustRunCommand, startNginx, startSeedServer, startShootClient } from '@reversed-vpn/test/lab'
import t from 'tap'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { buildAddon, fetchNode, onArm64 } from './support/arm64.js'

/** Emulated, what takes a second to start takes half a minute. */
const START_DEADLINE_MS = 180_000

const [node] = await Promise.all([fetchNode(), buildAddon()])
const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { pod1 } = stage.hosts
await startNginx(stage.lab, pod1)

for (const program of ['seed-server', 'shoot-client'] as const) {
  t.test(`${program} says on arm64 what it says here`, async (t) => {
    for (const flag of ['--help', '--version']) {
      const [command = '', ...args] = [...onArm64(node, program), flag]
      const [there, here] = await Promise.all([
        mustRunCommand(command, args, { deadlineMs: START_DEADLINE_MS }),
        mustRunCommand(binOf(program), [flag]),
      ])
      t.equal(there.stdout, here.stdout, flag)
    }
  })
}

t.test('a tunnel between two ends on arm64 carries both families, in super-packets', async (t) => {
  const { lab, certificates } = stage
  const common = { certificates, startDeadlineMs: START_DEADLINE_MS }
  const [seed, client] = await Promise.all([
    startSeedServer(lab, { ...common, command: onArm64(node, 'seed-server') }),
    startShootClient(lab, { ...common, command: onArm64(node, 'shoot-client') }),
  ])
  await Promise.all([seed.waitUntilReady(START_DEADLINE_MS), client.waitUntilReady(START_DEADLINE_MS)])
  for (const address of Object.values(pod1.addresses)) {
    const url = `http://${inUrl(address)}/`
    t.match(await stage.curlEgress(url), { code: 0, stdout: 'pod1\n' }, `${url} through the proxy`)
    t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod1\n' }, `${url} routed`)
  }
  for (const daemon of [seed, client]) {
    const started = daemon.logs.find(({ offloads }) => offloads !== undefined)
    t.match(started, { offloads: ['checksum', 'tso4', 'tso6'] })
    t.ok(daemon.logs.some((record) => record.node === 'v24.21.0'))
  }
})
