import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { isDeviceGone } from '@reversed-vpn/node-tun'
import type { TlsMaterial } from '@reversed-vpn/secure'
import { dialLane, directTransport } from '@reversed-vpn/session'
import t from 'tap'

t.test('a socket option that the kernel refuses fails the dial, and is not the end of the TUN', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  const dial = dialLane(
    {
      transport: directTransport({ host: '127.0.0.1', port }),
      tls: {} as TlsMaterial,
      peerName: 'seed',
      sni: '',
      deadAfterMs: 5000,
      congestion: 'no_such_control',
    },
    AbortSignal.timeout(10_000),
  )
  const cause = { name: 'SyscallError', code: 'ENOENT', syscall: 'setsockopt' }
  const error = await dial.then(
    () => new Error('dialled'),
    (reason: unknown) => reason as Error,
  )
  t.match(error, { name: 'DialError', failure: 'handshake', cause })
  t.notOk(isDeviceGone(error.cause))
  const [peer] = await accepted
  peer.resume()
  await once(peer, 'close')
})
