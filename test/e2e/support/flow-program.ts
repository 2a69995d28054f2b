// A program for hosts of the lab. `server PORT` sends back whatever a connection says. `client HOST PORT BYTES-PER-SECOND` says
// noise to it on one connection and compares what comes back. SIGUSR2 makes it print `flowing N` as soon as something that was
// said after the signal has come back, N milliseconds later. SIGTERM ends the noise: when all has come back, or the connection
// broke, it prints a FlowReport.
import { createHash, randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import type { FlowReport } from './flow.js'

const [role, ...args] = process.argv.slice(2)
const TURN_MS = 10
/** So much may be unsaid: the rest waits until the connection takes more. */
const UNSAID_BYTES = 1_048_576

if (role === 'server') serve(Number(args[0]))
else speak(args[0] ?? '', Number(args[1]), Number(args[2]))

function serve(port: number): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(port, '::', () => console.log('listening'))
}

function speak(host: string, port: number, bytesPerSecond: number): void {
  const said = createHash('sha256')
  const heard = createHash('sha256')
  let saidBytes = 0
  let heardBytes = 0
  let mark: { readonly atMs: number; readonly behindByte: number } | undefined
  let error: string | undefined
  const socket = connect({ host, port, allowHalfOpen: true }, () => console.log('connected'))
  const noise = setInterval(() => {
    if (socket.connecting || socket.writableLength > UNSAID_BYTES) return
    const chunk = randomBytes((bytesPerSecond * TURN_MS) / 1000)
    said.update(chunk)
    saidBytes += chunk.length
    socket.write(chunk)
  }, TURN_MS)
  socket.on('data', (chunk) => {
    heard.update(chunk)
    heardBytes += chunk.length
    if (mark === undefined || heardBytes <= mark.behindByte) return
    console.log(`flowing ${(performance.now() - mark.atMs).toFixed(0)}`)
    mark = undefined
  })
  socket.on('error', ({ message }) => {
    error = message
  })
  socket.on('close', () => {
    clearInterval(noise)
    const isIntact = error === undefined && said.digest('hex') === heard.digest('hex')
    const report: FlowReport = { isIntact, saidBytes, heardBytes, error }
    console.log(`report ${JSON.stringify(report)}`)
    process.exit()
  })
  process.on('SIGUSR2', () => {
    mark = { atMs: performance.now(), behindByte: saidBytes }
    console.log('marked')
  })
  process.on('SIGTERM', () => {
    clearInterval(noise)
    socket.end()
  })
}
