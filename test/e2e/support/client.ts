// A program for hosts of the lab: opens one connection over TCP or TLS, sends, and receives until the end. Its only argument
// is a ConnectionOrder as JSON; it prints a ConnectionReport.
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket, type SocketConstructorOpts } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { ConnectionOrder, ConnectionReport } from './connection.js'

const connection = JSON.parse(process.argv[2] ?? '{}') as ConnectionOrder
const startedMs = performance.now()
const received: Buffer[] = []
let isSecured = false
let isAnswered = false
let errorCode: string | undefined

function onSecure(this: Socket): void {
  isSecured = true
  this.write(Buffer.from(connection.sendHex ?? '', 'hex'))
  if (connection.connectTo === undefined) sendTheRest(this)
  else this.write(`CONNECT ${connection.connectTo} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
}

function onData(this: Socket, chunk: Buffer): void {
  received.push(chunk)
  if (isAnswered || connection.connectTo === undefined || !Buffer.concat(received).includes('\r\n\r\n'))
    return
  isAnswered = true
  sendTheRest(this)
}

function sendTheRest(socket: Socket): void {
  if (connection.sendFile !== undefined) socket.write(readFileSync(connection.sendFile))
  // With `allowHalfOpen` this ends our half alone.
  if (connection.endsItsHalf === true) socket.end()
}

function open({ host, port, tls }: ConnectionOrder): Socket {
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
    // This client plays the stranger. It does not check the certificate of the other end.
    rejectUnauthorized: false,
    allowHalfOpen: true,
  }
  return connectTls(options, onSecure)
}

const socket = open(connection)
socket.on('data', onData)
socket.on('error', (error: NodeJS.ErrnoException) => {
  errorCode = error.code ?? error.message
})
socket.on('end', () => socket.end())
socket.on('close', () => {
  const report: ConnectionReport = {
    isSecured,
    received: Buffer.concat(received).toString('latin1'),
    errorCode,
    durationMs: performance.now() - startedMs,
  }
  process.stdout.write(JSON.stringify(report))
})
