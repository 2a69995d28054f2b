import { EventEmitter, once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { AdminServer, createRegistry, type Endpoint, formatEndpoint } from '@reversed-vpn/daemon'
import type { AdminServerOptions } from '@reversed-vpn/daemon/testing'
import { pino } from 'pino'
import t, { type Test } from 'tap'

async function serve(t: Test, overrides: Partial<AdminServerOptions> = {}) {
  const logged: string[] = []
  const admin = new AdminServer({
    endpoint: { type: 'tcp', host: '127.0.0.1', port: 0 },
    registry: createRegistry({ name: 'toy-daemon', version: '1.2.3', droppedLines: () => 0 }),
    log: pino({}, { write: (line: string) => void logged.push(line) }),
    readiness: () => ({ ready: true, reasons: [] }),
    status: () => ({ sessions: [] }),
    ...overrides,
  })
  t.teardown(() => admin.close(0))
  const bound = await admin.listen()
  return { admin, bound, logged, origin: `http://${formatEndpoint(bound)}` }
}

t.test('serves metrics for Prometheus', async (t) => {
  const { origin } = await serve(t)
  const response = await fetch(`${origin}/metrics`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), 'text/plain; version=0.0.4')
  const body = await response.text()
  t.match(body, /^toy_daemon_nodejs_eventloop_lag_p99_seconds /m)
  t.match(body, /^toy_daemon_process_resident_memory_bytes /m)
  t.match(body, /^# TYPE toy_daemon_nodejs_gc_duration_seconds histogram$/m)
  t.match(body, /^toy_daemon_build_info\{version="1.2.3",node="v[0-9.]+"\} 1$/m)
})

t.test('two registries do not share metrics', async (t) => {
  const names = await createRegistry({
    name: 'other',
    version: '1',
    droppedLines: () => 0,
  }).getMetricsAsJSON()
  t.ok(names.length > 10)
  t.ok(names.every(({ name }) => name.startsWith('other_')))
})

t.test('healthz is about the process, readyz about what the daemon says', async (t) => {
  const reasons = ['no session is up', 'last probe 20 s ago']
  const { origin } = await serve(t, { readiness: async () => ({ ready: false, reasons }) })
  const health = await fetch(`${origin}/healthz`)
  t.equal(health.status, 200)
  t.equal(await health.text(), 'ok\n')
  const readiness = await fetch(`${origin}/readyz?verbose`)
  t.equal(readiness.status, 503)
  t.match(readiness.headers.get('content-type'), 'text/plain')
  t.equal(await readiness.text(), 'no session is up\nlast probe 20 s ago\n')
  const { origin: ready } = await serve(t)
  t.equal((await fetch(`${ready}/readyz`)).status, 200)
})

t.test('status is JSON', async (t) => {
  const { origin } = await serve(t)
  const response = await fetch(`${origin}/status`)
  t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
  t.same(await response.json(), { sessions: [] })
})

t.test('HEAD answers like GET without a body', async (t) => {
  const { origin } = await serve(t)
  const response = await fetch(`${origin}/healthz`, { method: 'HEAD' })
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-length'), '3')
  t.equal(await response.text(), '')
})

t.test('a request may name the server in its first line, as to a proxy', async (t) => {
  const admin = await serve(t)
  for (const target of ['http://10.0.0.1:15000/healthz', 'HTTP://x/healthz?y=z'])
    t.match(await say(admin, `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 200 /, target)
  t.match(await say(admin, 'GET http://x/nothing HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 404 /)
})

t.test('other paths are 404 and other methods 405', async (t) => {
  const { origin } = await serve(t)
  for (const path of ['/', '/metrics/', '/toString', '//healthz'])
    t.equal((await fetch(origin + path)).status, 404, path)
  const response = await fetch(`${origin}/metrics`, { method: 'POST', body: 'x' })
  t.equal(response.status, 405)
  t.equal(response.headers.get('allow'), 'GET, HEAD')
})

t.test('a callback that throws is 500 without its reason, which is logged', async (t) => {
  const { origin, logged } = await serve(t, {
    status: () => {
      throw new Error('private detail')
    },
  })
  const response = await fetch(`${origin}/status`)
  t.equal(response.status, 500)
  t.notMatch(await response.text(), 'private')
  t.match(logged.join(''), 'private detail')
})

t.test('a header beyond 8 KiB is refused', async (t) => {
  const { origin } = await serve(t)
  const response = await fetch(`${origin}/healthz`, { headers: { 'x-long': 'x'.repeat(9000) } })
  t.equal(response.status, 431)
})

t.test('close lets an answer under way finish and may be called again', async (t) => {
  const steps = new EventEmitter()
  const { admin, origin } = await serve(t, {
    readiness: async () => {
      steps.emit('asked')
      await once(steps, 'answer')
      return { ready: true, reasons: [] }
    },
  })
  const pending = once(httpRequest(`${origin}/readyz`).end(), 'response')
  await once(steps, 'asked')
  const closed = Promise.all([admin.close(), admin.close()])
  steps.emit('answer')
  const [response] = await pending
  t.equal(response.statusCode, 200)
  t.equal(response.headers.connection, 'close')
  response.resume()
  await closed
  await t.rejects(fetch(`${origin}/healthz`))
})

t.test('close cuts off after its deadline', async (t) => {
  const steps = new EventEmitter()
  const { admin, bound } = await serve(t, {
    readiness: () => {
      steps.emit('asked')
      return new Promise(() => {})
    },
  })
  if (bound.type !== 'tcp') return t.fail('expected TCP')
  const socket = connect(bound.port, bound.host)
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  const asked = once(steps, 'asked')
  socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')
  await asked
  await admin.close(20)
  await closed
  t.ok(socket.destroyed)
})

t.test('close before listen settles', async (t) => {
  const admin = new AdminServer({
    endpoint: { type: 'tcp', host: '127.0.0.1', port: 0 },
    registry: createRegistry({ name: 'toy', version: '1', droppedLines: () => 0 }),
    log: pino({ enabled: false }),
    readiness: () => ({ ready: true, reasons: [] }),
    status: () => ({}),
  })
  await t.resolves(admin.close())
})

/** A connection that says `text` and reads what it is answered, to its end. */
async function say({ bound }: { bound: Endpoint }, text: string): Promise<string> {
  if (bound.type !== 'tcp') throw new Error('expected TCP')
  const socket = connect({ port: bound.port, host: bound.host, allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write(text)
  let answer = ''
  socket.on('data', (chunk) => (answer += String(chunk))).on('end', () => socket.destroy())
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'

t.test('of pipelined requests the first is answered, and nothing is done for the others', async (t) => {
  let asked = 0
  const admin = await serve(t, {
    readiness: () => {
      asked += 1
      return { ready: true, reasons: [] }
    },
  })
  const answer = await say(admin, 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20_000))
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n\r\nok\n$/s)
  t.equal(asked, 1)
})

t.test('what is asked for at the same time is read once, for all who ask', async (t) => {
  const steps = new EventEmitter()
  let asked = 0
  const { origin } = await serve(t, {
    status: async () => {
      asked += 1
      await once(steps, 'answer')
      return { asked }
    },
  })
  const answers = Array.from({ length: 20 }, () => fetch(`${origin}/status`))
  // Answered behind them: they have been read too.
  t.equal((await fetch(`${origin}/healthz`)).status, 200)
  steps.emit('answer')
  for (const answer of answers) t.same(await (await answer).json(), { asked: 1 })
})

t.test('whatever is open, a health check gets through', async (t) => {
  const admin = await serve(t, { readiness: () => new Promise(() => {}) })
  const { bound } = admin
  if (bound.type !== 'tcp') return t.fail('expected TCP')
  const texts = [
    '',
    'GET /healthz HTTP/1.1\r\n',
    'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /metrics HTTP/1.1\r\n\r\n',
  ]
  const held = texts.flatMap((text) =>
    Array.from({ length: 100 }, () => {
      const socket = connect({ port: bound.port, host: bound.host })
      socket.on('error', () => {})
      socket.write(text)
      return socket
    }),
  )
  t.teardown(() => {
    for (const socket of held) socket.destroy()
  })
  for (let check = 0; check < 10; check++) t.match(await say(admin, HEALTH), /^HTTP\/1\.1 200 OK\r\n/)
})

t.test('who leaves, or says no request, ends their connection', async (t) => {
  const admin = await serve(t)
  t.match(await say(admin, '\x16\x03\x01'), /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(
    await say(admin, 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello'),
    /^HTTP\/1\.1 405 /,
  )
})
