import '../support/own-namespace.js'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { test } from 'tap'
import { interfaceExists } from '../support/linux-lab.js'

const CHILD = fileURLToPath(new URL('../support/exit-child.js', import.meta.url))
const IDLE_STEPS = ['imported', 'opened', 'stopped', 'detached', 'closed']
const POLLING_STEPS = ['polling', 'polling again', 'in callback']

/** Polling keeps the loop alive, so those steps never run out of work by themselves. */
const CASES = [
  ...IDLE_STEPS.flatMap((step) => ['no work left', 'process.exit', 'throw'].map((end) => ({ step, end }))),
  ...POLLING_STEPS.flatMap((step) => ['process.exit', 'throw'].map((end) => ({ step, end }))),
]

function runProcess(
  step: string,
  end: string,
): { status: number | null; signal: string | null; stderr: string } {
  return spawnSync(process.execPath, [CHILD, step, end], { encoding: 'utf8', timeout: 60_000 })
}

for (const { step, end } of CASES) {
  test(`a process that ends ${step} by ${end} leaves nothing behind`, async (t) => {
    const { status, signal, stderr } = runProcess(step, end)
    t.strictSame({ status, signal }, { status: end === 'throw' ? 1 : 0, signal: null }, stderr)
    t.equal(interfaceExists('exit0'), false)
  })

  test(`a worker that ends ${step} by ${end} leaves nothing behind`, async (t) => {
    const worker = new Worker(CHILD, { workerData: [step, end] })
    const errors: Error[] = []
    worker.on('error', (error) => errors.push(error))
    const code = await new Promise((resolve) => worker.once('exit', resolve))
    t.equal(code, end === 'throw' ? 1 : 0)
    t.strictSame(
      errors.map((error) => error.message),
      end === 'throw' ? ['thrown on purpose'] : [],
    )
    t.equal(interfaceExists('exit0'), false)
  })
}

for (const step of [...IDLE_STEPS, 'polling', 'polling again']) {
  test(`a worker that is terminated ${step} leaves nothing behind`, async (t) => {
    const worker = new Worker(CHILD, { workerData: [step, 'terminate from outside'] })
    await once(worker, 'message')
    if (step !== 'imported') t.equal(interfaceExists('exit0'), true, 'there before')
    await worker.terminate()
    t.equal(interfaceExists('exit0'), false)
  })
}

test('the addon serves several workers and the main thread at once', async (t) => {
  const workers = [1, 2, 3].map(
    () => new Worker(CHILD, { workerData: ['polling', 'terminate from outside'] }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  t.equal(interfaceExists('exit0'), true)
  await Promise.all(workers.map((worker) => worker.terminate()))
  t.equal(interfaceExists('exit0'), false)
})
