import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { type RequestFlaw, RequestReader } from '@reversed-vpn/relay'
import t, { type Test } from 'tap'

type Outcome =
  | { readonly request: IncomingMessage; readonly rest: string; readonly socket: Socket }
  | { readonly flaw: RequestFlaw; readonly detail: string | undefined; readonly socket: Socket }

const MAX_HEADER_BYTES = 1024

/** What comes of a connection whose client says these chunks, each in a segment of its own, and stays unless it `leaves`. */
async function outcomeOf(t: Test, chunks: readonly string[], { leaves = false } = {}): Promise<Outcome> {
  const reader = new RequestReader(MAX_HEADER_BYTES)
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = connect({ port, host: '127.0.0.1', noDelay: true })
  t.teardown(() => client.destroy())
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  const outcome = new Promise<Outcome>((resolve) =>
    reader.read(socket, {
      onRequest: (request, rest) => resolve({ request, rest: rest.toString('latin1'), socket }),
      onFlaw: (flaw, detail) => resolve({ flaw, detail, socket }),
    }),
  )
  for (const chunk of chunks) {
    const read = once(socket, 'data')
    client.write(chunk, 'latin1')
    await read
  }
  if (leaves) client.end()
  return outcome
}

const HEAD = 'GET /a?b HTTP/1.1\r\nHost: x\r\nFoo: bar\r\n\r\n'

t.test('reads one head, and nothing behind it however much there is', async (t) => {
  const outcome = await outcomeOf(t, [`${HEAD}${HEAD}more`])
  if (!('request' in outcome)) return t.fail(outcome.flaw)
  t.match(outcome.request, { method: 'GET', url: '/a?b', headers: { host: 'x', foo: 'bar' } })
  t.equal(outcome.rest, `${HEAD}more`)
  t.ok(outcome.socket.isPaused(), 'what else is sent stays in the kernel')
  t.equal(
    outcome.socket.listenerCount('data') + outcome.socket.listenerCount('end'),
    1,
    "Node's own for the end",
  )
})

t.test('reads a head in any chunks, with what may stand before it', async (t) => {
  for (const text of [HEAD, `\r\n\r\n${HEAD}`]) {
    for (let cut = 1; cut < text.length; cut++) {
      const outcome = await outcomeOf(t, [text.slice(0, cut), text.slice(cut)])
      if (!('request' in outcome) || outcome.request.headers.foo !== 'bar') t.fail(`cut at ${cut}`)
    }
  }
})

t.test('gives CONNECT, upgrades, bodies and expectations to the receiver too', async (t) => {
  for (const [text, method, rest] of [
    ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nTLS', 'CONNECT', 'TLS'],
    ['GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe', 'GET', 'frame'],
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody', 'POST', 'body'],
    ['POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n', 'POST', ''],
    ['POST / HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\n\r\n', 'POST', ''],
    ['GET / HTTP/1.0\r\n\r\n', 'GET', ''],
  ] as const) {
    const outcome = await outcomeOf(t, [text])
    if (!('request' in outcome)) t.fail(`${text}: ${outcome.flaw}`)
    else t.strictSame([outcome.request.method, outcome.rest], [method, rest])
  }
})

t.test('tells what is no request, at once', async (t) => {
  for (const [text, flaw] of [
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(MAX_HEADER_BYTES)}`, 'header-too-long'],
    [`GET /${'x'.repeat(MAX_HEADER_BYTES)}`, 'header-too-long'],
    ['\x16\x03\x01\x00\xa5\x01', 'malformed'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'malformed'],
    ['GET / HTTP/1.1\nHost: x\n\n'.repeat(3000), 'malformed'],
  ] as const)
    t.match(await outcomeOf(t, [text]), { flaw }, text.slice(0, 20))
  t.match(await outcomeOf(t, [HEAD.slice(0, 20)], { leaves: true }), { flaw: 'left' })
  t.match(await outcomeOf(t, [], { leaves: true }), { flaw: 'left' })
})
