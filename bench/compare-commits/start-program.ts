// A program for a host: starts another program again and again and measures how long each start takes. The only argument is a
// StartOrder as JSON. Prints `started` and the milliseconds as a JSON array. The last start is left running.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StartOrder } from './start.js'

const POLL_MS = 2

const { command, url, milliseconds } = JSON.parse(process.argv[2] ?? '') as StartOrder
const [script = '', ...args] = command
const times: number[] = []
const endMs = performance.now() + milliseconds

for (;;) {
  const startedMs = performance.now()
  const child = spawn(script, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  await (url === undefined ? untilSuccess(exited) : untilAnswered(child, url))
  times.push(performance.now() - startedMs)
  if (performance.now() >= endMs) break
  child.kill('SIGTERM')
  await exited
}
console.log(`started ${JSON.stringify(times)}`)

async function untilSuccess(exited: Promise<unknown[]>): Promise<void> {
  const [code] = await exited
  if (code !== 0) throw new Error(`${script} ended with ${code}`)
}

async function untilAnswered(child: ChildProcess, page: string): Promise<void> {
  while ((await statusOf(page)) !== 200) {
    if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}`)
    await sleep(POLL_MS)
  }
}

/** Undefined: nobody listens. */
function statusOf(page: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(page, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', () => resolve(undefined))
  })
}
