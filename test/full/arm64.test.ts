// The images for arm64, on an emulated processor and the kernel of this machine, started from what `reversed-vpn render` printed.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { binOf, emulateArm64, emulationDir, Lab, mustRunCommand } from '@reversed-vpn/test/lab'
import t from 'tap'
import { ContainerLab } from './support/containers/container-lab.js'
import { inspectImage, MAX_ADDED_BYTES } from './support/containers/images.js'
import { Traffic } from './support/containers/traffic.js'

/** Emulated, what takes a second to start takes half a minute. */
const DEADLINE_MS = 180_000
/** For qemu and the code it translates: the seed-server had 261 MB of its own here, of 315 that it may have (29 November 2026). */
const EMULATOR_BYTES = 256 * 1024 * 1024
/**
 * qemu-user passes netlink on in parts, nothing to nftables and no rules of routing among them. So the daemons find `ip` and
 * `nft` of this machine, for its own processor, before those of the image.
 */
const NATIVE_TOOLS = {
  '/usr/bin/ip': '/usr/local/sbin/ip',
  '/usr/sbin/nft': '/usr/local/sbin/nft',
  '/lib64': '/lib64',
  '/usr/lib/x86_64-linux-gnu': '/usr/lib/x86_64-linux-gnu',
}

const stage = await ContainerLab.create({
  architecture: 'arm64',
  deadlineMs: DEADLINE_MS,
  extraMemoryBytes: EMULATOR_BYTES,
  lent: NATIVE_TOOLS,
})
const { lab, pods, tools } = stage
t.teardown(() => lab.close())
await emulateArm64(lab)
const traffic = await Traffic.prepare(stage)

t.test('images are built for arm64 on this processor, and add little to their base', async (t) => {
  for (const [daemon, added] of await stage.buildImages()) {
    t.ok(added > 0 && added < MAX_ADDED_BYTES, `${daemon} adds ${(added / 1e6).toFixed(1)} MB`)
  }
  for (const { image } of Object.values(pods)) {
    t.equal(await inspectImage(tools, image, '{{.Os}}/{{.Architecture}}'), 'linux/arm64')
  }
})

for (const daemon of ['seed-server', 'shoot-client', 'sni-gateway'] as const) {
  t.test(`${daemon} says on arm64 what it says here`, async (t) => {
    for (const flag of ['--help', '--version']) {
      const [there, here] = await Promise.all([
        pods[daemon].runToEnd(flag),
        mustRunCommand(binOf(daemon), [flag]),
      ])
      t.equal(there.code, 0)
      t.equal(there.stdout, here.stdout, flag)
    }
  })
}

t.test(
  'a tunnel between two ends on arm64 without capabilities carries both families, in GSO packets',
  async (t) => {
    for (const pod of [pods['seed-server'], pods['shoot-client']]) {
      const { code, stdout } = await pod.setUp()
      t.match({ code, stdout }, { code: 0, stdout: /"isNew":true.*"msg":"network set up"/ })
    }
    const [, seed, client] = await Promise.all([
      pods['sni-gateway'].start(),
      pods['seed-server'].start(),
      pods['shoot-client'].start(),
    ])
    await traffic.expect(t, seed, client)
    for (const pod of [pods['seed-server'], pods['shoot-client']]) {
      const process = `/proc/${await pod.pid()}`
      t.match(readlinkSync(join(process, 'exe')), /qemu-aarch64/)
      const status = readFileSync(join(process, 'status'), 'utf8')
      t.match(status, /^CapEff:\t0+$/m)
      t.match(status, /^Uid:(\s+65532){4}$/m)
    }
    for (const { logs } of [seed, client]) {
      t.match(
        logs.find(({ offloads }) => offloads !== undefined),
        { offloads: ['checksum', 'tso4', 'tso6'] },
      )
    }
  },
)

t.test("an image's own ip and nft run, but qemu-user keeps netlink from them", async (t) => {
  const said = (...command: string[]) => pods['seed-server'].exec(...command)
  t.match(await said('/usr/bin/ip', '-V'), { code: 0, stdout: /^ip utility/ })
  t.match(await said('/usr/bin/ip', '-4', 'rule', 'show'), { stderr: /Operation not supported/ })
  t.match(await said('/usr/sbin/nft', 'list', 'tables'), { stderr: /Protocol not supported/ })
})

t.test('a lab takes its own emulation with it, and no other', async (t) => {
  const registered = () => readdirSync(emulationDir(lab.id))
  const second = await Lab.create()
  try {
    await emulateArm64(second)
    t.ok(registered().includes(second.id))
  } finally {
    await second.close()
  }
  t.notOk(registered().includes(second.id))
  t.ok(registered().includes(lab.id))
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), second.id)
})
