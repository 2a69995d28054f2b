// A program for hosts of the lab: connections that come to nothing. Its only argument is a FloodPlan as JSON. It prints `standing`
// when all have been made once, `closed N` for each that is not made again, goes on with what the plan says until SIGTERM, and then prints a FloodReport as JSON.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { FloodPlan, FloodReport } from './start-flood.js'

const plan = JSON.parse(process.argv[2] ?? '{}') as FloodPlan
const SLOW_INTERVAL_MS = 200
/** How a TLS handshake begins that goes on for 512 bytes. */
const CLIENT_HELLO = Buffer.from('1603010200010001fc0303', 'hex')

const begin = Buffer.from(plan.speech?.begin ?? '', 'latin1')
/** One for all connections. */
const speech = Buffer.from((plan.speech?.repeated ?? '').repeat(plan.speech?.times ?? 0), 'latin1')
const tls = plan.tls && {
  cert: readFileSync(plan.tls.certFile),
  key: readFileSync(plan.tls.keyFile),
  rejectUnauthorized: false,
}

const sockets = new Set<Socket>()
let made = 0
let closed = 0
let isEnding = false

function open(): void {
  const { host, port } = plan
  const socket = tls === undefined ? connect({ host, port }) : connectTls({ host, port, ...tls })
  sockets.add(socket)
  socket.on('error', () => {})
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    behave(socket)
    made++
    if (made === plan.connections) process.stdout.write('standing\n')
  })
  socket.once('close', () => {
    sockets.delete(socket)
    closed++
    if (plan.comesAgainAfterMs === undefined && !isEnding) process.stdout.write(`closed ${closed}\n`)
    if (plan.comesAgainAfterMs !== undefined && !isEnding) setTimeout(open, plan.comesAgainAfterMs)
  })
  if (plan.speech?.isReading !== false || plan.speech.isPatient) socket.resume()
}

function behave(socket: Socket): void {
  if (plan.kind === 'garbage') socket.write(randomBytes(4096))
  if (plan.kind === 'speech') speak(socket)
  if (plan.kind !== 'slow') return
  let at = 0
  const timer = setInterval(() => {
    socket.write(Buffer.from([CLIENT_HELLO[at++] ?? 0]))
  }, SLOW_INTERVAL_MS)
  socket.once('close', () => clearInterval(timer))
}

function speak(socket: Socket): void {
  socket.write(begin)
  if (!plan.speech?.isPatient) {
    socket.write(speech)
    return
  }
  socket.once('data', () => {
    socket.write(speech)
    if (!plan.speech?.isReading) socket.pause()
  })
}

process.once('SIGTERM', () => {
  isEnding = true
  for (const socket of sockets) socket.destroy()
  const report: FloodReport = { made, closed }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
})

// Stays when all are closed, to be asked for its report.
setInterval(() => {}, 2 ** 30)
for (let i = 0; i < plan.connections; i++) open()
