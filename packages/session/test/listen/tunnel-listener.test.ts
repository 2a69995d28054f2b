import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { isDeviceGone } from '@reversed-vpn/node-tun'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import { loadTlsMaterial, type TlsMaterial } from '@reversed-vpn/secure'
import { Authority, type Pair, secureContextOptions } from '@reversed-vpn/secure/testing'
import { type ConnectionRefusal, TunnelListener } from '@reversed-vpn/session'
import t from 'tap'

const dir = t.testdir({})
const [one, other] = [new Authority(dir, 'one'), new Authority(dir, 'other')]
const server = one.issue('seed')
const client = one.issue('client')

function material({ cert, key }: Pair, ca: string, crl?: string): TlsMaterial {
  const file = (name: string, text: string) => {
    const path = join(dir, name)
    writeFileSync(path, text)
    return path
  }
  const files = { certFile: file('crt', cert), keyFile: file('key', key), caFile: file('ca', ca) }
  const loaded = loadTlsMaterial({ ...files, crlFile: crl === undefined ? undefined : file('crl', crl) })
  for (const name of Object.values(files)) rmSync(name)
  return loaded
}

/** A listener whose peers never say HELLO: each stays unfinished. */
async function createListener(
  tls: TlsMaterial,
  congestion?: string,
  identify?: ConstructorParameters<typeof TunnelListener>[0]['identify'],
) {
  const refusals: ConnectionRefusal[] = []
  const peers: unknown[] = []
  const listener = new TunnelListener({
    tls,
    peerName: 'client',
    deadAfterMs: 5000,
    congestion,
    ...(identify && { identify }),
    onPeer: (_, peer) => {
      peers.push(peer)
      return new Promise(() => {})
    },
    onRefused: (refusal) => refusals.push(refusal),
  })
  listener.server.listen(0, '127.0.0.1')
  await once(listener.server, 'listening')
  const { port } = listener.server.address() as AddressInfo
  const open = async (shown: Pair, session?: Buffer): Promise<TLSSocket> => {
    const socket = connect({
      ...secureContextOptions(material(shown, one.ca)),
      ...(session === undefined ? {} : { session }),
      host: '127.0.0.1',
      port,
      ALPNProtocols: [ALPN_PROTOCOL],
      rejectUnauthorized: false,
    })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.resume()
    return socket
  }
  return { listener, refusals, open, peers: () => peers.length, lastPeer: () => peers.at(-1) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('shows a new certificate to those who come, and leaves those who are there', async (t) => {
  const { listener, open, peers } = await createListener(material(server, one.ca))
  const old = await open(client)
  await until(() => peers() === 1)
  const renewed = one.issue('seed')
  listener.setTlsMaterial(material(renewed, one.ca), false)
  const fresh = await open(client)
  await until(() => peers() === 2)
  t.not(fresh.getPeerX509Certificate()?.fingerprint256, old.getPeerX509Certificate()?.fingerprint256)
  t.notOk(old.destroyed)
  listener.close()
})

t.test('with an authority gone, cuts those who have not come to their end, and refuses them', async (t) => {
  const { listener, refusals, open, peers } = await createListener(material(server, one.ca + other.ca))
  const old = await open(client)
  await until(() => peers() === 1)
  listener.setTlsMaterial(material(server, other.ca), true)
  await once(old, 'close')
  const again = await open(client)
  await until(() => refusals.length > 0)
  t.match(refusals, [{ reason: 'wrong-ca' }])
  await once(again, 'close')
  t.equal(peers(), 1)
  listener.close()
})

t.test('refuses the revoked by the list of each authority in one file', async (t) => {
  const lists = () => other.revocationList() + one.revocationList()
  const { listener, refusals, open, peers } = await createListener(
    material(server, one.ca + other.ca, lists()),
  )
  const good = await open(client)
  await until(() => peers() === 1)
  const lost = one.issue('client')
  one.revocationList(lost)
  listener.setTlsMaterial(material(server, one.ca + other.ca, lists()), true)
  await once(good, 'close')
  await open(lost)
  await until(() => refusals.length > 0)
  t.match(refusals, [{ reason: 'revoked' }])
  await open(client)
  await until(() => peers() === 2)
  t.pass('the other is still let in')
  listener.close()
})

t.test('tells the proxy that a connection comes from apart from the client that it names', async (t) => {
  let named: string | undefined = '10.0.0.7'
  const identify = async () => named
  const { listener, open, peers, lastPeer } = await createListener(
    material(server, one.ca),
    undefined,
    identify,
  )
  await open(client)
  await until(() => peers() === 1)
  t.match(lastPeer(), { remoteAddress: '10.0.0.7', proxyAddress: '127.0.0.1' })
  named = undefined
  await open(client)
  await until(() => peers() === 2)
  t.match(lastPeer(), { remoteAddress: '127.0.0.1', proxyAddress: undefined }, 'it connects for itself')
  listener.close()
})

t.test('nobody resumes what was agreed before', async (t) => {
  const { listener, open, peers } = await createListener(material(server, one.ca))
  const socket = await open(client)
  await until(() => peers() === 1)
  const again = await open(client, socket.getSession())
  t.notOk(again.isSessionReused())
  listener.close()
})

t.test('a socket option that the kernel refuses costs that connection alone', async (t) => {
  const { listener, refusals } = await createListener(material(server, one.ca), 'no_such_control')
  const { port } = listener.server.address() as AddressInfo
  for (const count of [1, 2]) {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'close')
    t.equal(refusals.length, count)
  }
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const stream = new PassThrough()
  listener.accept(stream, '192.0.2.1', socket)
  t.ok(stream.destroyed)
  await until(() => refusals.length === 4)
  const refusal = { reason: 'internal', detail: /^ENOENT: .*setsockopt$/, cause: { syscall: 'setsockopt' } }
  t.match(refusals, Array(4).fill(refusal))
  t.equal(refusals.filter(({ remoteAddress }) => remoteAddress === '192.0.2.1').length, 1)
  t.notOk(refusals.some(({ cause }) => isDeviceGone(cause)))
  t.ok(listener.server.listening)
  listener.close()
})

t.test('a stream that brings too much before its peer has proved who it is ends', async (t) => {
  const { listener, refusals } = await createListener(material(server, one.ca))
  t.teardown(() => listener.close())
  const below = createServer((socket) => {
    listener.accept(new PassThrough(), '192.0.2.7', socket)
    socket.resume()
  })
  below.listen(0, '127.0.0.1')
  await once(below, 'listening')
  t.teardown(() => below.close())
  const stranger = connectTcp((below.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => stranger.destroy())
  stranger.write(Buffer.alloc(65_536))
  stranger.write('x')
  await until(() => refusals.length === 1)
  t.match(refusals, [
    { remoteAddress: '192.0.2.7', detail: 'more than 32768 B before the end of the handshake' },
  ])
})
