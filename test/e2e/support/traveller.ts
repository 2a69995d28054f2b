// A program for hosts of the lab: one connection over TCP or TLS, all that it says, and what comes back until the end. Its
// only argument is a Journey as JSON; it prints a JourneyReport.
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket, type SocketConstructorOpts } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Journey, JourneyReport } from './journey.js'

const journey = JSON.parse(process.argv[2] ?? '{}') as Journey
const startedMs = performance.now()
const received: Buffer[] = []
let isSecured = false
let isAnswered = false
let errorCode: string | undefined

function onSecure(this: Socket): void {
  isSecured = true
  this.write(Buffer.from(journey.sendHex ?? '', 'hex'))
  if (journey.connectTo === undefined) sayTheRest(this)
  else this.write(`CONNECT ${journey.connectTo} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
}

function onData(this: Socket, chunk: Buffer): void {
  received.push(chunk)
  if (isAnswered || journey.connectTo === undefined || !Buffer.concat(received).includes('\r\n\r\n')) return
  isAnswered = true
  sayTheRest(this)
}

function sayTheRest(socket: Socket): void {
  if (journey.sendFile !== undefined) socket.write(readFileSync(journey.sendFile))
  // With `allowHalfOpen` this ends our half alone.
  if (journey.endsItsHalf === true) socket.end()
}

function open({ host, port, tls }: Journey): Socket {
  if (tls === undefined) return connectTcp({ host, port, allowHalfOpen: true }, onSecure)
  const { certFile, keyFile, alpn, maxVersion } = tls
  const options: ConnectionOptions & Pick<SocketConstructorOpts, 'allowHalfOpen'> = {
    host,
    port,
    ...(certFile && keyFile ? { cert: readFileSync(certFile), key: readFileSync(keyFile) } : {}),
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    minVersion: 'TLSv1.2',
    servername: 'vpn-seed-server',
    // Whoever travels here is the stranger; the other end's certificate is not what is looked at.
    rejectUnauthorized: false,
    allowHalfOpen: true,
  }
  return connectTls(options, onSecure)
}

const socket = open(journey)
socket.on('data', onData)
socket.on('error', (error: NodeJS.ErrnoException) => {
  errorCode = error.code ?? error.message
})
socket.on('end', () => socket.end())
socket.on('close', () => {
  const report: JourneyReport = {
    isSecured,
    received: Buffer.concat(received).toString('latin1'),
    errorCode,
    durationMs: performance.now() - startedMs,
  }
  process.stdout.write(JSON.stringify(report))
})
