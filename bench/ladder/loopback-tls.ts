import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { loadTlsMaterial } from '@reversed-vpn/secure'
import { secureContextOptions } from '@reversed-vpn/secure/testing'
import { tuneLaneSocket } from '@reversed-vpn/session'
import { Pki, SEED_SERVER_NAME } from '@reversed-vpn/test/lab'

const TUNING = { userTimeoutMs: 15_000 }

/** Both ends of one TLS 1.3 connection over loopback in this process, with the socket options of a lane. */
interface TlsPair extends AsyncDisposable {
  readonly client: TLSSocket
  readonly server: TLSSocket
}

export async function connectTlsPair(): Promise<TlsPair> {
  await using pki = await Pki.create()
  const { tunnelCa, seedServer, shootClient } = await pki.shoot()
  const [serverContext, clientContext] = [seedServer, shootClient].map((pair) =>
    secureContextOptions(loadTlsMaterial({ ...pair, caFile: tunnelCa.certFile })),
  )
  const [near, far] = await connectTcpPair()
  for (const socket of [near, far]) tuneLaneSocket(socket, TUNING)
  const server = new TLSSocket(far, { isServer: true, requestCert: true, ...serverContext })
  const client = connect({ socket: near, servername: SEED_SERVER_NAME, ...clientContext })
  await Promise.all([once(client, 'secureConnect'), once(server, 'secure')])
  return {
    client,
    server,
    [Symbol.asyncDispose]: async () => {
      const closed = [client, server].map((end) => (end.closed ? undefined : once(end, 'close')))
      client.destroy()
      server.destroy()
      await Promise.all(closed)
    },
  }
}

async function connectTcpPair(): Promise<[Socket, Socket]> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const near = connectTcp((listener.address() as AddressInfo).port, '127.0.0.1')
  const [[far]] = await Promise.all([
    once(listener, 'connection') as Promise<[Socket]>,
    once(near, 'connect'),
  ])
  listener.close()
  return [near, far]
}
