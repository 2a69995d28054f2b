import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type ListenOptions, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Endpoint, listenOn } from '@reversed-vpn/daemon'
import t, { type Test } from 'tap'

function server(t: Test): Server {
  const server = createServer((socket) => socket.on('error', () => undefined).end('hello'))
  t.teardown(() => server.close())
  return server
}

/** A folder whose path is short: a socket's has 107 bytes at most, and libuv cuts off the rest without a word. */
function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'listen-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

async function greeting(where: { path: string } | { host: string; port: number }): Promise<string> {
  const socket = connect(where)
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  await once(socket, 'close')
  return text
}

t.test('resolves with the port the kernel chose', async (t) => {
  const bound = await listenOn(server(t), { type: 'tcp', host: '127.0.0.1', port: 0 })
  if (bound.type !== 'tcp') return t.fail('expected TCP')
  t.ok(bound.port > 0)
  t.equal(await greeting({ host: bound.host, port: bound.port }), 'hello')
})

t.test('[::] takes both families', async (t) => {
  const bound = await listenOn(server(t), { type: 'tcp', host: '::', port: 0 })
  if (bound.type !== 'tcp') return t.fail('expected TCP')
  t.equal(await greeting({ host: '127.0.0.1', port: bound.port }), 'hello')
  t.equal(await greeting({ host: '::1', port: bound.port }), 'hello')
})

t.test('[::] becomes 0.0.0.0 where there is no IPv6', async (t) => {
  // A kernel without IPv6 cannot be had in a test, so the server answers the first call as one would.
  const withoutIPv6 = server(t)
  const listen = withoutIPv6.listen.bind(withoutIPv6)
  withoutIPv6.listen = ((where: ListenOptions) => {
    if (where.host !== '::') return listen(where)
    process.nextTick(() => {
      withoutIPv6.emit('error', Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' }))
    })
    return withoutIPv6
  }) as Server['listen']
  const bound = await listenOn(withoutIPv6, { type: 'tcp', host: '::', port: 0 })
  t.match(bound, { type: 'tcp', host: '0.0.0.0' })
})

t.test('an address that cannot be had is named with the cause', async (t) => {
  const held = await listenOn(server(t), { type: 'tcp', host: '127.0.0.1', port: 0 })
  await t.rejects(listenOn(server(t), held), {
    code: 'ERR_ENVIRONMENT',
    message: /^cannot listen on 127\.0\.0\.1:\d+: address already in use \(EADDRINUSE\)$/,
  })
  await t.rejects(listenOn(server(t), { type: 'tcp', host: '192.0.2.1', port: 1 }), {
    message: 'cannot listen on 192.0.2.1:1: address not available (EADDRNOTAVAIL)',
  })
})

/** What a killed process leaves behind: a socket that nobody listens on. */
function staleSocket(t: Test): string {
  const path = join(folder(t), 'stale.sock')
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  t.ok(existsSync(path))
  return path
}

t.test('a socket file that a dead process left is replaced', async (t) => {
  const path = staleSocket(t)
  t.same(await listenOn(server(t), { type: 'unix', path }), { type: 'unix', path })
  t.equal(await greeting({ path }), 'hello')
})

t.test('the socket of a live process and other files are left alone', async (t) => {
  const live: Endpoint = { type: 'unix', path: join(folder(t), 'live.sock') }
  await listenOn(server(t), live)
  await t.rejects(listenOn(server(t), live), { message: /EADDRINUSE/, cause: { code: 'EADDRINUSE' } })
  t.equal(await greeting(live), 'hello')

  const path = join(folder(t), 'file')
  writeFileSync(path, 'precious')
  await t.rejects(listenOn(server(t), { type: 'unix', path }), {
    message: /file: the file exists and is not a socket \(ENOTSOCK\)$/,
    cause: { code: 'ENOTSOCK', cause: { code: 'EADDRINUSE' } },
  })
  t.ok(existsSync(path))
})

t.test('a Unix socket has the mode asked for from its first moment', async (t) => {
  const directory = folder(t)
  for (const mode of [0o600, 0o660]) {
    const path = join(directory, mode.toString(8))
    const listening = listenOn(server(t), { type: 'unix', path }, { mode })
    t.equal(statSync(path).mode & 0o777, mode, 'before the event loop turns')
    await listening
    t.equal(statSync(path).mode & 0o777, mode)
  }
})

t.test('the backlog counts at the second attempt too', async (t) => {
  const path = staleSocket(t)
  const asked: ListenOptions[] = []
  const watched = server(t)
  const listen = watched.listen.bind(watched)
  watched.listen = ((where: ListenOptions) => {
    asked.push(where)
    return listen(where)
  }) as Server['listen']
  await listenOn(watched, { type: 'unix', path }, { backlog: 4096 })
  t.strictSame(asked, [
    { path, backlog: 4096 },
    { path, backlog: 4096 },
  ])
})

t.test('the same server may listen again after a refusal', async (t) => {
  const held = await listenOn(server(t), { type: 'tcp', host: '127.0.0.1', port: 0 })
  const second = server(t)
  await t.rejects(listenOn(second, held))
  t.match(await listenOn(second, { type: 'tcp', host: '127.0.0.1', port: 0 }), { host: '127.0.0.1' })
  t.equal(second.listenerCount('error'), 0)
})

t.test('of a name the first address is bound, and the wait for it hears the signal', async (t) => {
  const bound = await listenOn(server(t), { type: 'tcp', host: 'localhost', port: 0 })
  t.match(bound, { type: 'tcp', host: /^(127\.0\.0\.1|::1)$/ })
  const stop = new AbortController()
  const listening = listenOn(server(t), { type: 'tcp', host: 'a.invalid', port: 0 }, { signal: stop.signal })
  stop.abort(new Error('stopping'))
  await t.rejects(listening, { message: 'cannot listen on a.invalid:0: stopping' })
})
