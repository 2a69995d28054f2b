import { EventEmitter, once } from 'node:events'
import { connect, createServer } from 'node:net'
import { untilConnected, untilSettled } from '@reversed-vpn/relay'
import t from 'tap'

/** A wait that the test settles, and how often it was ended. */
function createWait(signal: AbortSignal) {
  const wait = { ended: 0, resolve: (_: string) => {}, reject: (_: Error) => {} }
  const settled = untilSettled<string>(signal, (resolve, reject) => {
    Object.assign(wait, { resolve, reject })
    return () => wait.ended++
  })
  return { wait, settled }
}

t.test('a wait ends once, with what comes first', async (t) => {
  const stopping = new AbortController()
  const { wait, settled } = createWait(stopping.signal)
  wait.resolve('first')
  t.equal(wait.ended, 1, 'before anyone hears of it')
  wait.reject(new Error('late'))
  stopping.abort()
  t.equal(await settled, 'first')
  t.equal(wait.ended, 1)
})

t.test('a signal rejects with its reason, and before the wait begins', async (t) => {
  const stopping = new AbortController()
  const { wait, settled } = createWait(stopping.signal)
  const reason = new Error('stopped')
  stopping.abort(reason)
  await t.rejects(settled, reason)
  t.equal(wait.ended, 1)
  await t.rejects(
    untilSettled(stopping.signal, () => t.fail('not to be begun') as never),
    reason,
  )
})

t.test('what settles at once is ended as well', async (t) => {
  let ended = 0
  const value = await untilSettled<number>(new AbortController().signal, (resolve) => {
    resolve(1)
    return () => ended++
  })
  t.strictSame([value, ended], [1, 1])
})

/** A connection that comes about, or not, as the test says. */
class Connecting extends EventEmitter {
  readonly stopping = new AbortController()
  destroyed = 0

  connected(timeoutMs?: number): Promise<this> {
    return untilConnected(this, {
      signal: this.stopping.signal,
      event: 'up',
      timeout: timeoutMs === undefined ? undefined : { ms: timeoutMs, error: () => new Error('too slow') },
      toError: (error) => new Error(`failed: ${error.message}`),
      destroy: () => this.destroyed++,
    })
  }
}

t.test('a connection that comes about is left alone', async (t) => {
  const connecting = new Connecting()
  const connected = connecting.connected(60_000)
  connecting.emit('up')
  t.equal(await connected, connecting)
  connecting.emit('error', new Error('nobody has to hear of this'))
  connecting.stopping.abort()
  t.equal(connecting.destroyed, 0)
  t.strictSame(connecting.eventNames(), ['error'])
})

for (const [what, fail, expected] of [
  ['an error', (c: Connecting) => c.emit('error', new Error('no')), 'failed: no'],
  ['a close', (c: Connecting) => c.emit('close'), 'failed: the other end closed the connection too early'],
  ['the signal', (c: Connecting) => c.stopping.abort(new Error('stopped')), 'stopped'],
  ['the timeout', () => {}, 'too slow'],
] as const) {
  t.test(`${what} destroys a connection that is not up`, async (t) => {
    const connecting = new Connecting()
    const connected = connecting.connected(20)
    fail(connecting)
    await t.rejects(connected, { message: expected })
    t.equal(connecting.destroyed, 1)
    t.strictSame(connecting.eventNames(), ['error'])
  })
}

t.test('works for sockets, and for a signal that has fired already', async (t) => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  const destroy = () => socket.destroy()
  const signal = AbortSignal.abort(new Error('stopped'))
  await t.rejects(untilConnected(socket, { signal, event: 'connect', destroy }), { message: 'stopped' })
  t.ok(socket.destroyed)
  server.close()
})
