// The proxy in a cgroup of the size that `render` gives a pod: whatever callers do, it has the memory for it.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { podMemoryBytes } from '@reversed-vpn/egress-proxy/testing'
import t, { type Test } from 'tap'
import { FarEnd } from '../support/far-end.js'
import { MemoryCgroup } from './support/memory-cgroup.js'
import type { CallerPlan, CallerReport, Listening, ProxyState } from './support/messages.js'

const IS_FULL = process.env.REVERSED_VPN_FULL === '1'
const MIB = 2 ** 20
/** Of a download. */
const BYTES = IS_FULL ? 2_000_000 : 300_000
const BLOCK = Buffer.alloc(65_536)
/** As the daemon's own first line has it. */
const NODE_FLAGS = ['--max-semi-space-size=8', '--single-threaded-gc']

/** Sends as many bytes as the first ones that come ask for. */
function serve(socket: Socket): void {
  socket.once('data', (asked: Buffer) => {
    let left = Number(String(asked))
    const sendOn = () => {
      while (left > 0) {
        const piece = BLOCK.subarray(0, left)
        left -= piece.length
        if (socket.write(piece)) continue
        socket.once('drain', sendOn)
        return
      }
      socket.end()
    }
    sendOn()
  })
}

async function start(t: Test) {
  const pod = new MemoryCgroup(podMemoryBytes())
  const farEnd = await FarEnd.start(serve)
  const proxy = startProgram('proxy-program', NODE_FLAGS)
  const callers = startProgram('caller-program')
  t.teardown(async () => {
    for (const program of [callers, proxy]) {
      const ended = once(program, 'exit')
      if (program.exitCode === null && program.signalCode === null && program.kill('SIGKILL')) await ended
    }
    await farEnd[Symbol.asyncDispose]()
    pod.remove()
  })
  pod.take(proxy.pid ?? 0)
  const listening: Listening = await ask(proxy, 'start')
  const call = (plan: Omit<CallerPlan, keyof Listening | 'targetPort'>) =>
    ask<CallerReport>(callers, { ...listening, ...plan, targetPort: farEnd.port })
  return { pod, call, callers, state: () => ask<ProxyState>(proxy, 'state') }
}

function startProgram(name: string, execArgv: string[] = []): ChildProcess {
  return fork(new URL(`./support/${name}.js`, import.meta.url), { execArgv })
}

/** The next message, once one was sent. @throws when the program ends instead */
async function ask<Answer>(program: ChildProcess, message: object | string): Promise<Answer> {
  const over = new AbortController()
  const onExit = () => over.abort()
  program.once('exit', onExit)
  program.send(message)
  const [answer] = await once(program, 'message', { signal: over.signal })
  program.off('exit', onExit)
  return answer
}

function expectRoom(t: Test, pod: MemoryCgroup): void {
  t.equal(pod.kills, 0)
  t.ok(pod.peakBytes < podMemoryBytes(), `${(pod.peakBytes / MIB).toFixed(0)} MiB at most`)
}

for (const unread of IS_FULL ? [200, 500] : [500])
  t.test(
    `2000 streams, ${unread} of which nobody reads, have memory, and the others come to their end`,
    async (t) => {
      const { pod, call, callers, state } = await start(t)
      const downloads = 2000 - unread
      const report = await call({ quiet: 0, unread, downloads, bytes: BYTES })
      t.strictSame(report, { opened: 2000, whole: downloads, failures: {} })
      const { heldBytes, paused } = await state()
      t.equal(paused, unread, 'who does not read is not read for')
      t.ok(heldBytes > unread * 1000 && heldBytes < unread * 70_000, `${heldBytes} bytes wait`)
      callers.kill('SIGKILL')
      await once(callers, 'exit')
      while ((await state()).connections > 0);
      t.match(await state(), { heldBytes: 0, paused: 0 })
      expectRoom(t, pod)
    },
  )

t.test(
  'of quiet callers as many are let in as there is memory for, and the others are told why',
  async (t) => {
    const { pod, call, state } = await start(t)
    const count = IS_FULL ? 5000 : 2300
    const { opened, failures } = await call({ quiet: count, unread: 0, downloads: 0, bytes: 0 })
    t.ok(opened >= 2000, `${opened} are let in`)
    const [[reason = '', refused = 0] = []] = Object.entries(failures)
    t.match(reason, /^HTTP\/1.1 503 too many connections/)
    t.equal(opened + refused, count)
    t.equal((await state()).paused, 0)
    expectRoom(t, pod)
  },
)
