import t from 'tap'
import { FarEnd } from './support/far-end.js'
import { countOpenHandles, settledHandles } from './support/open-handles.js'
import { makePki, ProxyFixture } from './support/proxy-fixture.js'
import { connectRequest } from './support/raw-caller.js'
import { SilentPort } from './support/silent-port.js'

const pki = makePki()
const baseline = countOpenHandles()
const CONNECT_HEAD = 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n'

/** title, request, status, error of Proxy-Status, what the reason phrase says */
const REFUSED: readonly (readonly [string, string, number, string, RegExp])[] = [
  ['a method other than CONNECT', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'http_request_error', /GET/],
  [
    'a POST that waits for 100',
    'POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
    405,
    'http_request_error',
    /POST/,
  ],
  ['what is not HTTP', 'hello\r\n\r\n', 400, 'http_request_error', /HPE_INVALID_METHOD/],
  ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'http_request_error', /bad request/],
  [
    'a version that is not 1.0 or 1.1',
    'CONNECT 127.0.0.1:1 HTTP/2.0\r\nHost: a\r\n\r\n',
    400,
    'http_request_error',
    /HTTP\/2.0/,
  ],
  [
    'HTTP/1.1 without a host field',
    'CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n',
    400,
    'http_request_error',
    /0 host fields/,
  ],
  ['two host fields', `${CONNECT_HEAD}Host: b\r\n\r\n`, 400, 'http_request_error', /2 host fields/],
  [
    'a content length',
    `${CONNECT_HEAD}Content-Length: 4\r\n\r\nGET `,
    400,
    'http_request_error',
    /content-length/,
  ],
  [
    'a transfer encoding',
    `${CONNECT_HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'http_request_error',
    /transfer-encoding/,
  ],
  [
    'both',
    `${CONNECT_HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
    'http_request_error',
    /bad request/,
  ],
  [
    'a field folded into the next line',
    `${CONNECT_HEAD}X: a\r\n\tb\r\n\x01: c\r\n\r\n`,
    400,
    'http_request_error',
    /bad request/,
  ],
  [
    'a header of more than 8 KiB',
    `${CONNECT_HEAD}X: ${'x'.repeat(9000)}\r\n\r\n`,
    431,
    'http_request_error',
    /too large/,
  ],
  ['a target without a port', connectRequest('127.0.0.1'), 400, 'http_request_error', /host:port/],
  ['port 0', connectRequest('127.0.0.1:0'), 400, 'http_request_error', /port 0/],
  ['port 65536', connectRequest('127.0.0.1:65536'), 400, 'http_request_error', /port 65536/],
  ['a port that is a name', connectRequest('127.0.0.1:https'), 400, 'http_request_error', /host:port/],
  ['a zone identifier', connectRequest('[::1%25lo]:80'), 400, 'http_request_error', /zone/],
  ['IPv6 without brackets', connectRequest('::1:80'), 400, 'http_request_error', /bad request/],
  ['IPv4 between brackets', connectRequest('[127.0.0.1]:80'), 400, 'http_request_error', /brackets/],
  ['user information', connectRequest('root@127.0.0.1:80'), 400, 'http_request_error', /bad request/],
  ['a short form of an IPv4 address', connectRequest('127.1:80'), 400, 'http_request_error', /number/],
  ['an IPv4 address in hexadecimal', connectRequest('0x7f000001:80'), 400, 'http_request_error', /number/],
  [
    'an address outside the networks',
    connectRequest('10.1.2.3:80'),
    403,
    'destination_ip_prohibited',
    /prohibited.*10\.1\.2\.3/,
  ],
  [
    'a refused address inside the networks',
    connectRequest('127.66.0.1:80'),
    403,
    'destination_ip_prohibited',
    /prohibited/,
  ],
  [
    'that address mapped into IPv6',
    connectRequest('[::ffff:127.66.0.1]:80'),
    403,
    'destination_ip_prohibited',
    /prohibited/,
  ],
  [
    'a port that nobody listens on',
    connectRequest('127.0.0.1:1'),
    502,
    'connection_refused',
    /refused.*ECONNREFUSED/,
  ],
]

t.test('answers what it does not serve', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  for (const [title, request, status, error, phrase] of REFUSED) {
    await t.test(`${title}: ${status}`, async (t) => {
      const index = fixture.accessLines.length
      const caller = await fixture.callTls()
      const answer = await caller.ask(request)
      t.equal(answer.status, status)
      t.match(answer.phrase, phrase)
      t.match(answer.fields.get('Proxy-Status'), new RegExp(`^seed-server; error=${error}; details="[^"]+"$`))
      t.equal(answer.fields.get('Connection'), 'close')
      t.equal(answer.fields.get('Allow'), status === 405 ? 'CONNECT' : undefined)
      t.equal((await caller.readAll()).length, 0)
      caller.socket.end()
      await caller.closed()
      t.match(await fixture.accessLine(index), { code: status, bytesToShoot: 0, bytesToSeed: 0 })
      t.equal(fixture.accessLines.length, index + 1)
    })
  }
})

t.test('says only once what is wrong with a connection, whatever else comes on it', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  const answer = await caller.ask(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${connectRequest('127.0.0.1:1')}`)
  t.equal(answer.status, 405)
  t.equal((await caller.readAll()).length, 0)
  caller.socket.end()
  await caller.closed()
  t.equal(fixture.accessLines.length, 1)
})

t.test('delivers its answer to a caller that goes on sending', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  const answer = await caller.ask(
    Buffer.concat([Buffer.from(connectRequest('10.0.0.1:1')), Buffer.alloc(2 ** 20)]),
  )
  t.equal(answer.status, 403)
  t.equal((await caller.readAll()).length, 0)
  caller.socket.destroy()
})

t.test('takes HTTP/1.0 without a host field', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('hello'))
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  t.equal((await caller.ask(`CONNECT 127.0.0.1:${farEnd.port} HTTP/1.0\r\n\r\n`)).status, 200)
  t.equal(String(await caller.readAll()), 'hello')
  caller.socket.end()
  await caller.closed()
})

t.test('answers 502 where the tunnel has no address of the family', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { transfer: { ipv4: '127.0.0.1' } })
  const caller = await fixture.callTls()
  const answer = await caller.ask(connectRequest('[::1]:80'))
  t.equal(answer.status, 502)
  t.match(answer.fields.get('Proxy-Status'), /error=destination_ip_unroutable/)
  t.match(answer.phrase, /unreachable.*family/)
  caller.socket.destroy()
})

t.test('answers 504 when the target stays silent', async (t) => {
  await using silent = await SilentPort.open()
  await using fixture = await ProxyFixture.start(pki, { limits: { dialTimeoutMs: 300 } })
  const caller = await fixture.callTls()
  const answer = await caller.ask(connectRequest(`127.0.0.1:${silent.port}`))
  t.equal(answer.status, 504)
  t.match(answer.fields.get('Proxy-Status'), /error=connection_timeout/)
  t.match(answer.phrase, /timed out/)
  t.ok(Number((await fixture.accessLine()).dialMs) >= 299)
  caller.socket.destroy()
})

t.test('counts and logs what it has answered', async (t) => {
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  await caller.ask(connectRequest('10.1.2.3:443'))
  t.match(await fixture.accessLine(), {
    caller: 'kube-apiserver-http-proxy-client',
    source: `127.0.0.1 port ${caller.socket.localPort}`,
    target: '10.1.2.3:443',
    code: 403,
    reason: 'prohibited',
    heldMs: 0,
    dialMs: 0,
  })
  t.equal(fixture.counts.get('prohibited'), 1)
  caller.socket.destroy()
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})
