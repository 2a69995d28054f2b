import { once } from 'node:events'
import { connect } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { EgressProxyOptions } from '@reversed-vpn/egress-proxy/testing'
import { authorizePeer } from '@reversed-vpn/secure'
import t from 'tap'
import { FarEnd } from './support/far-end.js'
import { countOpenHandles, settledHandles } from './support/open-handles.js'
import { CALLER_NAME, makePki, materialOf, ProxyFixture } from './support/proxy-fixture.js'
import { connectRequest } from './support/raw-caller.js'

const pki = makePki()
const baseline = countOpenHandles()

t.test('closes on a caller whose certificate is not accepted, without reading what it sent', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  for (const [title, options] of [
    ['of another authority', pki.stranger],
    ['none', { cert: undefined, key: undefined }],
  ] as const) {
    const caller = await fixture.callTls(options as ConnectionOptions)
    caller.socket.write(connectRequest('10.0.0.1:1'))
    await caller.closed()
    t.equal(fixture.accessLines.length, 0, title)
  }
  t.equal(fixture.counts.get('refused wrong-ca'), 2)
  t.equal(fixture.state.connections, 0)
})

t.test('judges the certificate of every caller before a byte is parsed', async (t) => {
  const asked: boolean[] = []
  await using fixture = await ProxyFixture.start(pki, {
    authorizeCaller: (socket) => {
      asked.push(socket.authorized)
      return { ok: false, reason: 'wrong-name', detail: 'nobody is right' }
    },
  })
  const caller = await fixture.callTls()
  caller.socket.write('GARBAGE\r\n\r\n')
  await caller.closed()
  t.strictSame(asked, [true])
  t.strictSame(Object.fromEntries(fixture.counts), { 'refused wrong-name': 1 })
})

t.test('lets nobody in by a name that hides in the certificate of another', async (t) => {
  const authorizeCaller: EgressProxyOptions['authorizeCaller'] = (socket) =>
    authorizePeer(socket, { name: CALLER_NAME, usage: 'client' })
  await using fixture = await ProxyFixture.start(pki, { authorizeCaller })
  for (const forged of pki.forged) await (await fixture.callTls(forged)).closed()
  t.strictSame(Object.fromEntries(fixture.counts), { 'refused wrong-name': pki.forged.length })
})

t.test('lets nobody in when judging throws', async (t) => {
  await using fixture = await ProxyFixture.start(pki, {
    authorizeCaller: () => {
      throw new Error('a certificate like none before')
    },
  })
  const caller = await fixture.callTls()
  await caller.closed()
  t.equal(fixture.counts.get('refused internal'), 1)
})

t.test('logs a source that is refused again and again once', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  for (let i = 0; i < 5; i++) await (await fixture.callTls(pki.stranger)).closed()
  t.match(fixture.log, [
    { level: 'warn', message: 'egress caller refused', fields: { source: '127.0.0.1', reason: 'wrong-ca' } },
  ])
  t.equal(fixture.log.length, 1)
  t.equal(fixture.counts.get('refused wrong-ca'), 5)
})

t.test('speaks TLS 1.3 only', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  await t.rejects(fixture.callTls({ maxVersion: 'TLSv1.2' }), {
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  })
  await fixture.until(() => fixture.counts.get('failed handshake') === 1)
  t.equal((await fixture.callTls()).socket.destroy().destroyed, true)
})

t.test('resumes no session, so that every connection is authenticated', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('hello'))
  await using fixture = await ProxyFixture.start(pki)
  const sessions: Buffer[] = []
  const first = await fixture.callTls()
  first.socket.on('session', (session: Buffer) => sessions.push(session))
  await first.dial(`127.0.0.1:${farEnd.port}`)
  await first.readAll()
  first.socket.end()
  await first.closed()
  const { client, ca } = pki
  const options = { port: fixture.port, host: '127.0.0.1', ca, ...client, servername: 'proxy.test' }
  const second = connectTls({ ...options, ...(sessions[0] && { session: sessions[0] }) })
  await once(second, 'secureConnect')
  t.notOk(second.isSessionReused())
  second.destroy()
})

t.test('answers 408 when no request comes in time', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { limits: { headerTimeoutMs: 50 } })
  for (const caller of [await fixture.callTls(), await fixture.callUnix()]) {
    const answer = await caller.ask('CONNECT 127.0.0.1:1 HTTP/1.1\r\nHo')
    t.equal(answer.status, 408)
    caller.socket.end()
    await caller.closed()
  }
})

t.test('closes a connection whose handshake does not end', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { limits: { handshakeTimeoutMs: 50 } })
  const socket = connect(fixture.port, '127.0.0.1')
  socket.resume()
  await once(socket, 'close')
  t.equal(fixture.counts.get('failed handshake'), 1)
})

t.test('answers 503 when too many connections are open', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.resume())
  await using fixture = await ProxyFixture.start(pki, { limits: { maxConnections: 1 } })
  const first = await fixture.callTls()
  await first.dial(`127.0.0.1:${farEnd.port}`)
  const second = await fixture.callTls()
  const answer = await second.ask(connectRequest(`127.0.0.1:${farEnd.port}`))
  t.equal(answer.status, 503)
  t.match(answer.phrase, /too many connections/)
  for (const caller of [first, second]) caller.socket.destroy()
})

t.test('shows new material to new callers', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  const other = makePki()
  fixture.proxy.setTlsMaterial(materialOf(other))
  await t.rejects(fixture.callTls(), /certificate/)
  const caller = await fixture.callTls({ ca: other.ca, ...other.client })
  t.equal((await caller.ask(connectRequest('10.0.0.1:1'))).status, 403)
  caller.socket.destroy()
  t.throws(() => fixture.proxy.setTlsMaterial({ cert: 'no', key: 'no', ca: 'no', certificates: [] }))
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})
