import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import { secureTunnel, TlsAcceptor, type TlsMaterial } from '@reversed-vpn/secure'
import { Authority, forgedNames, type Pair, secureContextOptions } from '@reversed-vpn/secure/testing'
import t, { type Test } from 'tap'

const directory = t.testdir({})
const authority = new Authority(directory, 'test-ca')
const stranger = new Authority(directory, 'other-ca')
const materialOf = (pair: Pair): TlsMaterial => ({ ...pair, ca: authority.ca, certificates: [] })
const seed = authority.issue('seed')
const client = authority.issue('client')

/** Certificates that our authority issued to `someone-else`, by what hides in them for whoever reads them carelessly. */
function forgeriesOf(name: string): [hidden: string, pair: Pair][] {
  const lines = forgedNames('someone-else', { pem: stranger.issue(name).cert, name })
  return Object.entries(lines).map(([hidden, extensions]) => [
    hidden,
    authority.issue('someone-else', extensions),
  ])
}

/** A TCP connection, both ends. */
async function connection(t: Test): Promise<[near: Socket, far: Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await accepted) as [Socket]
  for (const end of [near, far]) end.on('error', () => {})
  t.teardown(() => {
    for (const end of [near, far]) end.destroy()
    server.close()
  })
  return [near, far]
}

async function verdictOnClient(t: Test, pair: Pair): Promise<string> {
  const [near, far] = await connection(t)
  return new Promise((resolve) => {
    const acceptor = new TlsAcceptor<string>({
      tls: materialOf(seed),
      peerName: 'client',
      onPeer: (_, __, { name }) => resolve(`accepted as ${name}`),
      onRefused: (_, __, reason, detail) => resolve(`${reason}: ${detail}`),
    })
    acceptor.take(far, '')
    const options = { socket: near, ALPNProtocols: [ALPN_PROTOCOL], rejectUnauthorized: false }
    connectTls({ ...secureContextOptions(materialOf(pair)), ...options }).on('error', () => {})
  })
}

async function verdictOnServer(t: Test, pair: Pair): Promise<string> {
  const [near, far] = await connection(t)
  const context = secureContextOptions(materialOf(pair))
  const options = { isServer: true, requestCert: true, rejectUnauthorized: false }
  new TLSSocket(far, { ...context, ...options, ALPNProtocols: [ALPN_PROTOCOL] }).on('error', () => {})
  const tunnel = { tls: materialOf(client), peerName: 'seed', sni: 'seed' }
  return secureTunnel(near, tunnel, new AbortController().signal).then(
    ({ peer }) => `accepted as ${peer.name}`,
    (error) => error.message,
  )
}

t.test('judges the certificate that TLS has verified, and the names in it as they stand', async (t) => {
  t.equal(await verdictOnClient(t, client), 'accepted as client')
  t.equal(await verdictOnServer(t, seed), 'accepted as seed')
  for (const [hidden, pair] of forgeriesOf('client'))
    t.match(await verdictOnClient(t, pair), /^wrong-name: .*someone-else/, `client certificate: ${hidden}`)
  for (const [hidden, pair] of forgeriesOf('seed'))
    t.match(await verdictOnServer(t, pair), /someone-else.* expected seed$/, `server certificate: ${hidden}`)
})

t.test('takes any common name, as a whole, of a certificate without DNS names', async (t) => {
  const issue = (names: string) => authority.issue(names, 'basicConstraints=CA:FALSE')
  t.equal(await verdictOnClient(t, issue('else/CN=client')), 'accepted as client', 'the second of two')
  t.match(await verdictOnClient(t, issue('else\nCN=client')), /^wrong-name: /, 'a line break in a name')
})

t.test(
  'what is told of a refused certificate is one short line, whatever its owner wrote into it',
  async (t) => {
    const names = Array.from({ length: 2000 }, (_, index) => `DNS:host-${index}.example`)
    const verdict = await verdictOnClient(t, authority.issue('x', `subjectAltName=${names.join()}`))
    t.match(verdict, /^wrong-name: certificate names host-0\.example, .*…, expected client$/)
    t.ok(verdict.length < 300, `${verdict.length} characters`)
    t.match(await verdictOnClient(t, stranger.issue('a/O=b')), 'wrong-ca: CN=a, O=b: ')
    t.match(
      await verdictOnClient(t, stranger.issue('a\nb', 'basicConstraints=CA:FALSE')),
      'wrong-ca: CN=a b: ',
      'a line break in a name',
    )
  },
)
