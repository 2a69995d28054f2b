import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FarEnd } from './support/far-end.js'
import { countOpenHandles, settledHandles } from './support/open-handles.js'
import { makePki, ProxyFixture } from './support/proxy-fixture.js'
import { connectRequest } from './support/raw-caller.js'

const pki = makePki()
const baseline = countOpenHandles()
const directory = mkdtempSync(join(tmpdir(), 'egress-lifecycle-'))
t.teardown(() => rmSync(directory, { recursive: true }))

t.test('lets a running stream end while it closes', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.pipe(socket))
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  await caller.dial(`127.0.0.1:${farEnd.port}`)
  const closing = fixture.proxy.close({ graceMs: 60_000 })
  t.equal(fixture.proxy.close({ graceMs: 0 }), closing, 'closing twice is one close')
  await t.rejects(fixture.callTls(), { code: 'ECONNREFUSED' })
  caller.socket.end('still here')
  t.equal(String(await caller.readAll()), 'still here')
  await closing
  t.equal(fixture.state.connections, 0)
})

t.test('breaks what is left when the grace is over', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.resume())
  await using fixture = await ProxyFixture.start(pki)
  const overTls = await fixture.callTls()
  const overUnix = await fixture.callUnix()
  for (const caller of [overTls, overUnix]) await caller.dial(`127.0.0.1:${farEnd.port}`)
  await fixture.proxy.close({ graceMs: 50 })
  await Promise.all([overTls.closed(), overUnix.closed()])
  t.equal(overTls.lastError?.code, 'ECONNRESET')
  await fixture.until(({ accessLines }) => farEnd.openSockets === 0 && accessLines.length === 2)
  t.match(fixture.accessLines, [{ code: 200 }, { code: 200 }])
})

t.test('answers the held and drops the silent when it closes', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  fixture.gate.isUp = false
  const held = await fixture.callTls()
  held.socket.write(connectRequest('127.0.0.1:1'))
  const silent = await fixture.callTls()
  const handshaking = connect(fixture.port, '127.0.0.1')
  handshaking.on('error', () => {}).resume()
  await once(handshaking, 'connect')
  await fixture.until(({ state }) => state.held === 1 && state.connections === 2)
  const closing = fixture.proxy.close({ graceMs: 60_000 })
  const answer = await held.readAnswer()
  t.equal(answer.status, 503)
  t.match(answer.phrase, /shutting down/)
  held.socket.end()
  await Promise.all([held.closed(), silent.closed(), closing])
  if (!handshaking.closed) await once(handshaking, 'close')
  t.equal(fixture.state.connections, 0)
})

t.test('closes before it has listened, and while it listens', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  await fixture.proxy.close({ graceMs: 0 })
  fixture.proxy.abort()
  await fixture.proxy.close({ graceMs: 0 })
  t.notOk(existsSync(fixture.unixPath), 'the Unix socket is removed')
})

t.test('gives the Unix socket the mode asked for, 0600 if none', async (t) => {
  const paths = [join(directory, 'a'), join(directory, 'b')] as const
  await using _ = await ProxyFixture.start(pki, {
    endpoints: [{ path: paths[0] }, { path: paths[1], mode: 0o660 }],
  })
  t.strictSame(
    paths.map((path) => statSync(path).mode & 0o777),
    [0o600, 0o660],
  )
})

t.test('takes the place of a Unix socket whose owner was killed', async (t) => {
  const path = join(directory, 'stale')
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await t.rejects(ProxyFixture.start(pki, { endpoints: [{ path }] }), { code: 'EADDRINUSE' })
  child.kill('SIGKILL')
  await once(child, 'close')
  t.ok(existsSync(path))
  await using fixture = await ProxyFixture.start(pki, { endpoints: [{ path }] })
  t.strictSame(fixture.proxy.addresses, [path])
})

t.test('does not remove a file that is no socket', async (t) => {
  const path = join(directory, 'file')
  writeFileSync(path, 'precious')
  await t.rejects(ProxyFixture.start(pki, { endpoints: [{ path }] }), { code: 'ENOTSOCK' })
  t.ok(existsSync(path))
})

t.test('binds no endpoint when one cannot be bound', async (t) => {
  const occupant = createServer().listen(0, '127.0.0.1')
  await once(occupant, 'listening')
  const { port } = occupant.address() as { port: number }
  const path = join(directory, 'first')
  const endpoints = [{ path }, { host: '127.0.0.1', port }]
  await t.rejects(ProxyFixture.start(pki, { endpoints }), { code: 'EADDRINUSE' })
  t.notOk(existsSync(path))
  occupant.close()
})

t.test('refuses limits out of range', async (t) => {
  for (const limits of [
    { holdMs: -1 },
    { maxLookups: 0 },
    { dialTimeoutMs: 1.5 },
    { headerTimeoutMs: 2 ** 31 },
  ]) {
    await t.rejects(ProxyFixture.start(pki, { limits }), RangeError)
  }
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})
