// A program for hosts of the lab: many CONNECTs through the egress proxy, each a TCP and a TLS connection of its own, as the
// kube-apiserver makes them. Its only argument is a ConnectLoad as JSON. What it says through each has to come back.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import type { ConnectLoad, ConnectReport } from './connect-load.js'

const SAID_BYTES = 64
const load = JSON.parse(process.argv[2] ?? '') as ConnectLoad
const secureContext = createSecureContext({
  cert: readFileSync(load.certFile),
  key: readFileSync(load.keyFile),
  ca: readFileSync(load.caFile),
})
const answeredMs: number[] = []
const failures: string[] = []

if (load.manner === 'one-after-another') {
  for (let index = 0; index < load.count; index++) await attempt(async () => visit(await open()))
  report()
} else if (load.manner !== 'unread') {
  const opened: TLSSocket[] = []
  await inParallel(() => attempt(async () => void opened.push(await open())))
  const told = once(process, 'SIGUSR2')
  console.log('all open')
  if (load.manner === 'quiet') await told
  await Promise.all(opened.map((socket) => attempt(() => visit(socket))))
  report()
} else {
  await inParallel(() => attempt(async () => void (await open()).write('GET /big HTTP/1.0\r\n\r\n')))
  console.log('all open')
  report()
  // They are held, unread, until this program is ended.
  setInterval(() => {}, 60_000)
}

async function inParallel(task: () => Promise<void>): Promise<void> {
  let begun = 0
  const work = async () => {
    while (begun++ < load.count) await task()
  }
  await Promise.all(Array.from({ length: load.width ?? load.count }, work))
}

async function attempt(task: () => Promise<void>): Promise<void> {
  try {
    await task()
  } catch (error) {
    failures.push((error as Error).message)
  }
}

/** Answered with 200, and paused. */
async function open(): Promise<TLSSocket> {
  const startedMs = performance.now()
  const { proxyHost: host, proxyPort: port, target } = load
  const socket = connect({ host, port, secureContext, servername: host })
  socket.on('error', () => {})
  await settled(socket, 'secureConnect')
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  const [answer] = (await settled(socket, 'data')) as [Buffer]
  socket.pause()
  if (!answer.toString('latin1').startsWith('HTTP/1.1 200 ')) {
    socket.destroy()
    throw new Error(answer.toString('latin1').split('\r\n')[0])
  }
  answeredMs.push(performance.now() - startedMs)
  return socket
}

async function visit(socket: TLSSocket): Promise<void> {
  const said = randomBytes(SAID_BYTES)
  const heard: Buffer[] = []
  socket.on('data', (chunk) => heard.push(chunk))
  socket.resume()
  socket.end(said)
  await settled(socket, 'end')
  socket.destroy()
  if (!Buffer.concat(heard).equals(said)) throw new Error('what came back is not what was said')
}

/** The event, or an error when the connection closes first. */
async function settled(socket: TLSSocket, event: string): Promise<unknown[]> {
  const closing = new AbortController()
  const onClose = () => closing.abort()
  socket.once('close', onClose)
  try {
    return await once(socket, event, { signal: closing.signal })
  } catch {
    throw new Error(`closed before ${event}`)
  } finally {
    socket.off('close', onClose)
  }
}

function report(): void {
  const sorted = answeredMs.sort((one, other) => one - other)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  const result: ConnectReport = {
    answered: sorted.length,
    failures: [...new Set(failures)].map(
      (what) => `${failures.filter((one) => one === what).length} × ${what}`,
    ),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
  console.log(`report ${JSON.stringify(result)}`)
}
