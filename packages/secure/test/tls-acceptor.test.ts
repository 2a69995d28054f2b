import { once } from 'node:events'
import { type AddressInfo, createServer, type TcpNetConnectOpts } from 'node:net'
import { duplexPair } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'
import { ALPN_PROTOCOL, diallerName } from '@reversed-vpn/protocol'
import { TlsAcceptor, type TlsMaterial } from '@reversed-vpn/secure'
import { Authority, secureContextOptions } from '@reversed-vpn/secure/testing'
import t from 'tap'

const authority = new Authority(t.testdir({}), 'test-ca')
const materialOf = (name: string): TlsMaterial => ({
  ...authority.issue(name),
  ca: authority.ca,
  certificates: [],
})

t.test('tells two connections of one client port to two local addresses apart', async (t) => {
  const peers: (readonly [context: string, localAddress: string | undefined])[] = []
  const acceptor = new TlsAcceptor<string>({
    tls: materialOf('seed'),
    peerName: 'client',
    onPeer: (context, socket) => peers.push([context, socket.localAddress]),
    onRefused: (_, __, reason, detail) => t.fail(`${reason}: ${detail}`),
  })
  const accepted = new Map<string, () => void>()
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const address = socket.localAddress ?? ''
    accepted.set(address, () => acceptor.take(socket, address))
    server.emit('accepted')
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const tls = secureContextOptions(materialOf('client'))
  let localPort = 0
  const clients = []
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const waiting = once(server, 'accepted')
    const address = { host, port, localAddress: '127.0.0.9', ...(localPort > 0 && { localPort }) }
    const options: ConnectionOptions & TcpNetConnectOpts = {
      ...tls,
      ...address,
      ALPNProtocols: [ALPN_PROTOCOL],
      rejectUnauthorized: false,
    }
    const client = connect(options)
    clients.push(client)
    await waiting
    localPort = client.localPort ?? 0
  }
  // Both handshakes run at once.
  const secured = clients.map((client) => once(client, 'secureConnect'))
  for (const take of accepted.values()) take()
  await Promise.all(secured)
  while (peers.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(peers.toSorted(), [
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.2'],
  ])
  for (const client of clients) client.destroy()
  server.close()
})

t.test('says which process dials, each of those that dial at once, where they name it', async (t) => {
  const ids = ['1'.repeat(32), undefined, '2'.repeat(32)]
  const told = new Map<string, string | undefined>()
  const acceptor = new TlsAcceptor<string>({
    tls: materialOf('seed'),
    peerName: 'client',
    onPeer: (context, socket, _, diallerId) => {
      told.set(context, diallerId)
      socket.destroy()
    },
    onRefused: (_, __, reason, detail) => t.fail(`${reason}: ${detail}`),
  })
  for (const [index, id] of ids.entries()) {
    const [near, far] = duplexPair()
    acceptor.takeStream(near, String(index))
    const names = id === undefined ? [] : [diallerName(id)]
    const tls = secureContextOptions(materialOf('client'))
    const socket = connect({
      ...tls,
      socket: far,
      ALPNProtocols: [...names, ALPN_PROTOCOL],
      rejectUnauthorized: false,
    })
    socket.on('error', () => {})
  }
  while (told.size < ids.length) await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(
    [...told.keys()].toSorted().map((key) => told.get(key)),
    ids,
  )
})
