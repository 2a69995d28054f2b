// A program for hosts of the lab: dials as kube-apiserver does, one dial after another, and tells what came of it. Its only
// argument is a DiallerTask as JSON.
import { readFileSync } from 'node:fs'
import { dialAsKubeApiserver, type ProxyWay, readOnce } from './kube-apiserver-dialler.js'
import type { DiallerTask } from './run-dialler.js'

const { proxy, target, count } = JSON.parse(process.argv[2] ?? '') as DiallerTask
const outcomes = new Map<string, number>()
const startedMs = performance.now()
for (let index = 0; index < count; index++) {
  const outcome = await dialOnce()
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}
const ms = Math.round(performance.now() - startedMs)
console.log(JSON.stringify({ outcomes: Object.fromEntries(outcomes), ms }))

/** What the target says first, or why there is no way to it. */
async function dialOnce(): Promise<string> {
  try {
    const socket = await dialAsKubeApiserver(way(), target)
    try {
      return (await readOnce(socket)).toString('latin1')
    } finally {
      socket.destroy()
    }
  } catch (error) {
    return `error: ${(error as Error).message}`
  }
}

/** Files are read for each dial, as kube-apiserver reads them again when they change. */
function way(): ProxyWay {
  if ('path' in proxy) return { type: 'unix', path: proxy.path }
  const { host, port, certFile, keyFile, caFile } = proxy
  const [cert, key, ca] = [certFile, keyFile, caFile].map((file) => readFileSync(file))
  return { type: 'tls', options: { host, port, servername: host, cert, key, ca } }
}
