import { fileURLToPath } from 'node:url'
import { LabProcess } from '@reversed-vpn/test/lab'
import t from 'tap'

const DEMO = fileURLToPath(new URL('../demo/streams/main.js', import.meta.url))
const DEADLINE_MS = 240_000
const RIGHTS = /CapEff ([0-9a-f]{16}), no TUN, carries streams/

for (const { who, uid, runsAs } of [
  { who: 'root, who hands its rights over', uid: undefined, runsAs: 65_534 },
  { who: 'a user without any right', uid: 65_533, runsAs: 65_533 },
]) {
  t.test(`the demo of streams succeeds for ${who}`, async (t) => {
    const args = ['--enable-source-maps', DEMO]
    await using demo = await LabProcess.start(process.execPath, args, { uid })
    await demo.waitFor('its end', () => (demo.isRunning ? undefined : true), {
      deadlineMs: DEADLINE_MS,
      everyMs: 100,
    })
    const { code } = await demo.exited
    t.equal(code, 0, demo.tail())
    const lines = demo.stdout.join('\n')
    t.match(lines, `They run as user ${runsAs}.`)
    const rights = [...lines.matchAll(new RegExp(RIGHTS, 'g'))].map(([, set]) => set)
    t.strictSame(rights, ['0'.repeat(16), '0'.repeat(16)], 'neither daemon has a capability')
  })
}
