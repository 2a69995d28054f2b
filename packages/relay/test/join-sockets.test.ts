import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { answerAndClose, ByteBudget, joinSockets, resetConnection } from '@reversed-vpn/relay'
import t, { type Test } from 'tap'

/** Two sockets of one connection, both half-open: what a peer holds, and what is served. */
async function openPair(t: Test): Promise<{ peer: Socket; served: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const peer = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  })
  const [served] = (await accepted) as [Socket]
  server.close()
  for (const socket of [peer, served]) socket.on('error', () => {})
  t.teardown(() => {
    peer.destroy()
    served.destroy()
  })
  return { peer, served }
}

/** The two ends of a stream that is no socket. */
function streamPair(t: Test): { peer: Duplex; served: Duplex } {
  const [peer, served] = duplexPair() as [Duplex, Duplex]
  for (const stream of [peer, served]) stream.on('error', () => {})
  t.teardown(() => {
    peer.destroy()
    served.destroy()
  })
  return { peer, served }
}

async function join(t: Test, head = '', greeting?: string) {
  return joinPairs(await openPair(t), await openPair(t), head, greeting)
}

function joinPairs<Target extends Duplex>(
  client: { peer: Socket; served: Socket },
  target: { peer: Target; served: Target },
  head = '',
  greeting?: string,
) {
  const bytes = { client: 0, target: 0 }
  const budget = new ByteBudget(0)
  const reset = (socket: Duplex) =>
    'connect' in socket ? resetConnection(socket as Socket) : socket.destroy()
  const endOf = (socket: Duplex) => ({ socket, reset: () => reset(socket) })
  const outcome = joinSockets(endOf(client.served), endOf(target.served), {
    head: Buffer.from(head),
    greeting,
    lingerMs: 50,
    budget,
    onClientBytes: (count) => {
      bytes.client += count
    },
    onTargetBytes: (count) => {
      bytes.target += count
    },
  })
  const served = { client: client.served, target: target.served }
  return { client: client.peer, target: target.peer, served, bytes, budget, outcome }
}

async function readAll(socket: Duplex): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += String(chunk)
  return text
}

t.test('passes each direction on with its end, the head and the greeting first', async (t) => {
  const { client, target, bytes, outcome } = await join(t, 'head ', 'welcome ')
  client.end('question')
  t.equal(await readAll(target), 'head question')
  target.end('answer')
  t.equal(await readAll(client), 'welcome answer')
  t.equal(await outcome, 'client-ended')
  t.strictSame(bytes, { client: 13, target: 6 })
})

for (const broken of ['client', 'target'] as const) {
  t.test(`resets the other end when the ${broken} breaks, and says who did`, async (t) => {
    const joined = await join(t)
    const other = broken === 'client' ? joined.target : joined.client
    const failed = once(other, 'error').catch((error) => [error])
    other.resume()
    joined[broken].write('before')
    await once(other, 'data')
    joined[broken].resetAndDestroy()
    t.match(await failed, [{ code: 'ECONNRESET' }])
    t.equal(await joined.outcome, `${broken}-broke`)
  })
}

t.test('says that the target ended first, and not who broke', async (t) => {
  const { client, target, outcome } = await join(t)
  target.end('answer')
  t.equal(await readAll(client), 'answer')
  client.end()
  t.equal(await readAll(target), '')
  t.equal(await outcome, 'target-ended')
})

for (const code of ['ETIMEDOUT', 'EHOSTUNREACH'])
  t.test(`tells an end that does not answer any more from one that breaks: ${code}`, async (t) => {
    const { served, outcome } = await join(t)
    served.target.destroy(Object.assign(new Error(code), { code }))
    t.equal(await outcome, 'target-timed-out')
  })

t.test('hands over the whole of a direction that ended before its end broke', async (t) => {
  const { client, target, outcome } = await join(t)
  client.end('all of it')
  t.equal(await readAll(target), 'all of it')
  client.resetAndDestroy()
  // Nothing more is read from who has ended: that it is gone shows when it is written to.
  target.write('for nobody')
  t.equal(await outcome, 'client-broke')
})

for (const ending of ['reads on', 'leaves'] as const)
  t.test(`counts what waits for an end that does not read, until it ${ending}`, async (t) => {
    const { client, target, budget, outcome } = await join(t)
    client.pause()
    target.end(Buffer.alloc(2 ** 25))
    while (budget.paused === 0) await new Promise((resolve) => setImmediate(resolve))
    t.ok(budget.heldBytes > 0)
    t.ok(budget.heldBytes <= 2 ** 18, `${budget.heldBytes} bytes wait`)
    if (ending === 'leaves') client.destroy()
    else {
      client.end()
      t.equal((await readAll(client)).length, 2 ** 25)
    }
    await outcome
    t.strictSame({ held: budget.heldBytes, paused: budget.paused }, { held: 0, paused: 0 })
  })

t.test('joins a socket and a stream that is none, each direction with its end', async (t) => {
  const stream = streamPair(t)
  const { client, target, bytes, outcome } = joinPairs(await openPair(t), stream, 'head ', 'welcome ')
  client.end('question')
  t.equal(await readAll(target), 'head question')
  target.end(Buffer.alloc(2 ** 20, 'a'))
  t.equal((await readAll(client)).length, 'welcome '.length + 2 ** 20)
  t.equal(await outcome, 'client-ended')
  t.strictSame(bytes, { client: 13, target: 2 ** 20 })
  t.ok(stream.served.closed)
})

t.test('does not read a socket for a stream that does not take it, and counts what waits', async (t) => {
  const stream = streamPair(t)
  const { client, target, budget, outcome } = joinPairs(await openPair(t), stream)
  client.end(Buffer.alloc(2 ** 25))
  while (budget.paused === 0) await new Promise((resolve) => setImmediate(resolve))
  t.ok(budget.heldBytes > 0)
  t.ok(budget.heldBytes <= 2 ** 18, `${budget.heldBytes} bytes wait`)
  target.end()
  client.resume()
  t.equal((await readAll(target)).length, 2 ** 25)
  await outcome
  t.strictSame({ held: budget.heldBytes, paused: budget.paused }, { held: 0, paused: 0 })
})

for (const [code, outcome] of [
  ['ETIMEDOUT', 'target-timed-out'],
  ['ERR_OF_THE_STREAM', 'target-broke'],
] as const)
  t.test(`resets a socket whose stream fails with ${code}`, async (t) => {
    const stream = streamPair(t)
    const joined = joinPairs(await openPair(t), stream)
    const failed = once(joined.client, 'error').catch((error) => [error])
    joined.client.resume()
    stream.served.destroy(Object.assign(new Error(code), { code }))
    t.match(await failed, [{ code: 'ECONNRESET' }])
    t.equal(await joined.outcome, outcome)
  })

t.test('resets a stream whose socket breaks', async (t) => {
  const stream = streamPair(t)
  const { client, outcome } = joinPairs(await openPair(t), stream)
  client.resetAndDestroy()
  t.equal(await outcome, 'client-broke')
  t.ok(stream.served.destroyed)
})

t.test('a last answer arrives although the other end goes on sending', async (t) => {
  const { peer, served } = await openPair(t)
  peer.write(Buffer.alloc(2 ** 17))
  answerAndClose(served, 'goodbye', { lingerMs: 60_000, maxReadBytes: 2 ** 21 })
  t.equal(await readAll(peer), 'goodbye')
  t.notOk(served.destroyed)
  peer.end()
  await once(served, 'close')
})

t.test('a last answer waits no longer than it may', async (t) => {
  const { served } = await openPair(t)
  answerAndClose(served, 'goodbye', { lingerMs: 20 })
  await once(served, 'close')
})
