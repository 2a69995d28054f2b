import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type ListenOptions, Server } from 'node:net'
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
  const line = { code: 200, end: 'shutting-down' }
  t.match(fixture.accessLines, [line, line])
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

t.test('lets only its own user connect to the Unix socket', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  t.equal(statSync(fixture.unixPath).mode & 0o777, 0o600)
})

t.test('takes the place of a Unix socket whose owner was killed', async (t) => {
  const path = join(directory, 'stale')
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await t.rejects(ProxyFixture.start(pki, { endpoints: [{ type: 'unix', path }] }), {
    cause: { code: 'EADDRINUSE' },
  })
  child.kill('SIGKILL')
  await once(child, 'close')
  t.ok(existsSync(path))
  await using fixture = await ProxyFixture.start(pki, { endpoints: [{ type: 'unix', path }] })
  t.strictSame(fixture.proxy.endpoints, [{ type: 'unix', path }])
})

t.test('does not remove a file that is no socket', async (t) => {
  const path = join(directory, 'file')
  writeFileSync(path, 'precious')
  await t.rejects(ProxyFixture.start(pki, { endpoints: [{ type: 'unix', path }] }), {
    cause: { code: 'ENOTSOCK' },
  })
  t.ok(existsSync(path))
})

t.test('binds no endpoint when one cannot be bound', async (t) => {
  const occupant = createServer().listen(0, '127.0.0.1')
  await once(occupant, 'listening')
  const { port } = occupant.address() as { port: number }
  const path = join(directory, 'first')
  const endpoints = [
    { type: 'unix', path },
    { type: 'tcp', host: '127.0.0.1', port },
  ] as const
  await t.rejects(ProxyFixture.start(pki, { endpoints }), { cause: { code: 'EADDRINUSE' } })
  t.notOk(existsSync(path))
  occupant.close()
})

t.test('listens on IPv4 where [::] is asked for and there is no IPv6', async (t) => {
  // A kernel without IPv6 cannot be had in a test, so the server answers as one would.
  const { listen } = Server.prototype
  t.teardown(() => {
    Server.prototype.listen = listen
  })
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    const [where] = args as [ListenOptions]
    if (where.host !== '::') return Reflect.apply(listen, this, args) as Server
    process.nextTick(() => this.emit('error', Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' })))
    return this
  } as Server['listen']
  await using fixture = await ProxyFixture.start(pki, { endpoints: [{ type: 'tcp', host: '::', port: 0 }] })
  t.match(fixture.proxy.endpoints, [{ type: 'tcp', host: '0.0.0.0' }])
  const caller = await fixture.callTls()
  t.equal((await caller.ask(connectRequest('10.0.0.1:1'))).status, 403)
  caller.socket.destroy()
})

t.test('names an IPv4 caller of a socket of both families as IPv4', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { endpoints: [{ type: 'tcp', host: '::', port: 0 }] })
  const caller = await fixture.callTls()
  await caller.ask(connectRequest('10.0.0.1:1'))
  await (await fixture.callTls(pki.stranger)).closed()
  const { localPort } = caller.socket
  t.match(fixture.accessLines, [{ source: `127.0.0.1 port ${localPort}` }])
  t.match(fixture.log.at(-1), { message: 'egress caller refused', fields: { source: '127.0.0.1' } })
  caller.socket.destroy()
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})
