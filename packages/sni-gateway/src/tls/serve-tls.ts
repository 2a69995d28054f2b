import { answerAndClose } from '@reversed-vpn/relay'
import { type Connection, LINGER_MS } from '../accept/connection.js'
import type { Route, RouteTable } from '../routes/route-table.js'
import { type ClientHello, ClientHelloError } from './client-hello.js'
import { ClientHelloReader } from './client-hello-reader.js'

interface ServeTlsOptions {
  readonly maxHelloBytes: number
  readonly routes: { readonly table: RouteTable }
  /** Takes over a connection whose route is found. `head` is what was read of it. */
  readonly passOn: (connection: Connection, route: Route, head: Buffer) => void
}

/** A fatal alert as a record of its own: unrecognized_name (RFC 6066 §3). */
const UNRECOGNIZED_NAME = Buffer.from('15030300020270', 'hex')

/** Reads the ClientHello of a connection and finds its route. TLS itself ends at the backend. */
export function serveTls(connection: Connection, options: ServeTlsOptions): void {
  const { socket } = connection
  const reader = new ClientHelloReader(options.maxHelloBytes)
  const onData = (chunk: Buffer) => {
    try {
      const hello = reader.push(chunk)
      if (hello === undefined) return
      stop()
      socket.pause()
      route(connection, hello, reader.bytes, options)
    } catch (error) {
      if (!(error instanceof ClientHelloError)) throw error
      stop()
      connection.drop(error.reason, error.message)
    }
  }
  const onEnd = () => connection.drop('client-left')
  const stop = () => {
    socket.off('data', onData)
    socket.off('end', onEnd)
  }
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.resume()
}

function route(connection: Connection, hello: ClientHello, head: Buffer, options: ServeTlsOptions): void {
  const { serverName, alpn } = hello
  if (serverName === undefined) {
    refuse(connection, 'no-server-name')
    return
  }
  connection.serverName = serverName
  const found = options.routes.table.findByServerName(serverName, alpn)
  if (found === undefined) refuse(connection, 'unknown-server-name')
  else options.passOn(connection, found, head)
}

function refuse(connection: Connection, reason: 'no-server-name' | 'unknown-server-name'): void {
  connection.end(reason)
  answerAndClose(connection.socket, UNRECOGNIZED_NAME, { lingerMs: LINGER_MS })
}
