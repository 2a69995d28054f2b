// Run as a process or a worker of its own: brings a TUN to a step of its life, then ends without closing anything.
import { execFileSync } from 'node:child_process'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { openTun, type TunQueue } from '@reversed-vpn/node-tun'

const NAME = 'exit0'

/** From step to step; each also goes through those before it. */
const STEPS: Record<string, (state: { queue?: TunQueue }) => void> = {
  imported: () => {},
  opened: (state) => {
    const device = openTun({ name: NAME })
    device.openQueue()
    state.queue = device.openQueue()
  },
  polling: ({ queue }) => queue?.startPolling(() => {}),
  stopped: ({ queue }) => queue?.stopPolling(),
  detached: ({ queue }) => queue?.detach(),
  'polling again': ({ queue }) => queue?.startPolling(() => {}),
  closed: ({ queue }) => queue?.close(),
}

function goTo(last: string): void {
  const state = {}
  for (const [step, take] of Object.entries(STEPS)) {
    take(state)
    if (step === last) return
  }
}

/** Ends inside onReadable, which the interface's removal calls. */
function endInCallback(end: () => void): void {
  const queue = openTun({ name: NAME }).openQueue()
  queue.startPolling(end)
  execFileSync('ip', ['link', 'delete', NAME])
}

const [step = '', end = ''] = isMainThread ? process.argv.slice(2) : workerData
const END: Record<string, () => void> = {
  'process.exit': () => process.exit(0),
  throw: () => {
    throw new Error('thrown on purpose')
  },
  // The listener keeps a worker alive that has nothing else to wait for.
  'terminate from outside': () => parentPort?.on('message', () => {}).postMessage('ready'),
  'no work left': () => {},
}
const finish = END[end] ?? (() => {})
if (step === 'in callback') endInCallback(finish)
else {
  goTo(step)
  finish()
}
