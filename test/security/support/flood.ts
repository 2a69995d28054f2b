// A program for hosts of the lab: connections that come to nothing. Its only argument is a FloodPlan as JSON. It prints `standing`
// when all have been made once, `closed N` for each that is not made again, goes on with what the plan says until SIGTERM, and then prints a FloodReport as JSON.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { FloodPlan, FloodReport } from './start-flood.js'

const plan = JSON.parse(process.argv[2] ?? '{}') as FloodPlan
const SLOW_INTERVAL_MS = 200
/** How a TLS handshake begins that goes on for 512 bytes. */
const CLIENT_HELLO = Buffer.from('1603010200010001fc0303', 'hex')

const sockets = new Set<Socket>()
let made = 0
let closed = 0
let isEnding = false

function open(): void {
  const socket = connect({ host: plan.host, port: plan.port })
  sockets.add(socket)
  socket.on('error', () => {})
  socket.once('connect', () => {
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
  socket.resume()
}

function behave(socket: Socket): void {
  if (plan.kind === 'garbage') socket.write(randomBytes(4096))
  if (plan.kind !== 'slow') return
  let at = 0
  const timer = setInterval(() => {
    socket.write(Buffer.from([CLIENT_HELLO[at++] ?? 0]))
  }, SLOW_INTERVAL_MS)
  socket.once('close', () => clearInterval(timer))
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
