import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { authorizePeer } from '@reversed-vpn/secure'
import type { PeerVerdict } from '@reversed-vpn/secure/testing'
import t, { type Test } from 'tap'
import { runProgram } from './support/program.js'

const SECRETS = [
  'vpn-seed-server-tls',
  'vpn-shoot-tls',
  'vpn-seed-server-egress-tls',
  'kube-apiserver-egress-tls',
]

async function makeCertificates(t: Test): Promise<string> {
  const folder = join(t.testdir({}), 'certificates')
  const outcome = await runProgram('certs', '--output', folder, '--namespace', 'shoot--core--one')
  t.match(outcome, { code: 0, stdout: '' })
  return folder
}

t.test('makes an authority and a folder for each Secret, keys for their owner only', async (t) => {
  const folder = await makeCertificates(t)
  t.same(readdirSync(folder).sort(), [...SECRETS, 'ca'].sort())
  for (const secret of SECRETS) {
    t.same(readdirSync(join(folder, secret)).sort(), ['ca.crt', 'tls.crt', 'tls.key'])
    t.equal(statSync(join(folder, secret, 'tls.key')).mode & 0o777, 0o600)
  }
  t.equal(statSync(join(folder, 'ca/ca.key')).mode & 0o777, 0o600)
})

t.test('each certificate has its names and uses, on P-256, and is signed by the authority', async (t) => {
  const folder = await makeCertificates(t)
  const read = (path: string) => new X509Certificate(readFileSync(join(folder, path)))
  const authority = read('ca/ca.crt')
  const seedServer = ['', '.shoot--core--one', '.shoot--core--one.svc', '.shoot--core--one.svc.cluster.local']
    .map((suffix) => `DNS:vpn-seed-server${suffix}`)
    .join(', ')
  const [serverAuth, clientAuth] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']
  for (const [secret, names, usages] of [
    ['vpn-seed-server-tls', seedServer, [serverAuth, clientAuth]],
    ['vpn-shoot-tls', 'DNS:vpn-shoot-client', [serverAuth, clientAuth]],
    ['vpn-seed-server-egress-tls', seedServer, [serverAuth]],
    ['kube-apiserver-egress-tls', 'DNS:kube-apiserver-http-proxy-client', [clientAuth]],
  ] as const) {
    const certificate = read(`${secret}/tls.crt`)
    t.equal(certificate.subjectAltName, names)
    t.same(certificate.keyUsage, usages)
    t.equal(certificate.ca, false)
    t.ok(certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
    t.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    t.ok(new Date(certificate.validFrom) < new Date() && new Date(certificate.validTo) > new Date())
  }
  t.equal(authority.ca, true)
})

for (const [title, server, client, serverName, clientName] of [
  ['the shoot dials', 'vpn-seed-server-tls', 'vpn-shoot-tls', 'vpn-seed-server', 'vpn-shoot-client'],
  ['the seed dials', 'vpn-shoot-tls', 'vpn-seed-server-tls', 'vpn-shoot-client', 'vpn-seed-server'],
  [
    'kube-apiserver asks for a connection',
    'vpn-seed-server-egress-tls',
    'kube-apiserver-egress-tls',
    'vpn-seed-server',
    'kube-apiserver-http-proxy-client',
  ],
] as const) {
  t.test(`both ends let each other in where ${title}`, async (t) => {
    const folder = await makeCertificates(t)
    const [atServer, atClient] = await handshake(folder, server, client, serverName, clientName)
    t.match(atServer, { ok: true, name: clientName })
    t.match(atClient, { ok: true, name: serverName })
  })
}

t.test("the shoot's certificate does not open the egress proxy", async (t) => {
  const folder = await makeCertificates(t)
  const [atServer] = await handshake(
    folder,
    'vpn-seed-server-egress-tls',
    'vpn-shoot-tls',
    'vpn-seed-server',
    'kube-apiserver-http-proxy-client',
  )
  t.match(atServer, { ok: false, reason: 'wrong-name' })
})

t.test('never overwrites', async (t) => {
  const folder = await makeCertificates(t)
  const key = readFileSync(join(folder, 'ca/ca.key'), 'utf8')
  t.match(await runProgram('certs', '--output', folder), {
    code: 2,
    stdout: '',
    stderr: /expected an empty folder or none\n$/,
  })
  t.equal(readFileSync(join(folder, 'ca/ca.key'), 'utf8'), key)

  const file = join(t.testdir({}), 'file')
  writeFileSync(file, '')
  t.match(await runProgram('certs', '--output', file), {
    code: 2,
    stderr: /is a file, expected an empty folder or none\n$/,
  })
})

/** What each end thinks of the other's certificate: the server's verdict, then the client's. */
async function handshake(
  folder: string,
  server: string,
  client: string,
  serverName: string,
  clientName: string,
): Promise<[PeerVerdict, PeerVerdict]> {
  const material = (secret: string) => ({
    cert: readFileSync(join(folder, secret, 'tls.crt')),
    key: readFileSync(join(folder, secret, 'tls.key')),
    ca: readFileSync(join(folder, secret, 'ca.crt')),
    minVersion: 'TLSv1.3' as const,
    rejectUnauthorized: false,
  })
  const listener = createServer({ ...material(server), requestCert: true })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const atServer = new Promise<PeerVerdict>((resolve) => {
    listener.once('secureConnection', (socket: TLSSocket) => {
      resolve(authorizePeer(socket, { name: clientName, usage: 'client' }))
      socket.end()
    })
  })
  const socket = connect({
    ...material(client),
    socket: connectTcp(port, '127.0.0.1'),
    servername: serverName,
  })
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const atClient = authorizePeer(socket, { name: serverName, usage: 'server' })
  const verdict = await atServer
  socket.destroy()
  await new Promise((resolve) => listener.close(resolve))
  return [verdict, atClient]
}
