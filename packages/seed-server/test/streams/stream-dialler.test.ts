import { Duplex } from 'node:stream'
import { StreamDialler } from '@reversed-vpn/seed-server/testing'
import { StreamError } from '@reversed-vpn/streams/testing'
import t from 'tap'

type Open = NonNullable<ReturnType<ConstructorParameters<typeof StreamDialler>[0]['opener']>>['open']

class Opened extends Duplex {
  readonly address: string

  constructor(address: string) {
    super()
    this.address = address
  }

  override _read(): void {}
}

function diallerOf(open: Open | undefined): StreamDialler {
  return new StreamDialler({
    opener: () => open && { open },
    resolver: { resolve: async () => ['100.96.0.10'] },
  })
}

function requestFor(
  addresses: readonly string[] | undefined,
  overrides: { timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const { signal } = new AbortController()
  return { host: 'node-1', port: 443, addresses, timeoutMs: 600_000, signal, ...overrides }
}

/** What a dial fails with. */
async function failureOf(dial: Promise<unknown>): Promise<unknown> {
  return dial.then(
    () => 'reached',
    (error: unknown) => error,
  )
}

t.test('the addresses are asked for in turn, until one answers', async (t) => {
  const asked: string[] = []
  const dialler = diallerOf(async ({ host, isName }) => {
    asked.push(host)
    t.notOk(isName)
    if (host === '100.96.0.10') throw StreamError.refused('refused', 'nobody listens', true)
    return new Opened(host)
  })
  const target = await dialler.dial(requestFor(['100.96.0.10', '100.96.0.11', '100.96.0.12']))
  t.same(asked, ['100.96.0.10', '100.96.0.11'])
  t.equal(target.address, '100.96.0.11')
  target.reset()
  t.ok(target.socket.destroyed)
})

t.test('a name that nobody looked up is left to the shoot side', async (t) => {
  const dialler = diallerOf(async ({ host, isName }) => {
    t.same([host, isName], ['node-1', true])
    return new Opened('10.250.0.7')
  })
  t.equal((await dialler.dial(requestFor(undefined))).address, '10.250.0.7')
})

for (const [reason, expected] of [
  ['prohibited', 'prohibited'],
  ['too-many-connections', 'too-many-connections'],
  ['out-of-descriptors', 'too-many-connections'],
  ['shutting-down', 'tunnel-down'],
  ['internal', 'dial-failed'],
  ['dial-timeout', 'dial-timeout'],
] as const) {
  t.test(`what the shoot side calls ${reason} is answered as ${expected}`, async (t) => {
    const dialler = diallerOf(async () => {
      throw StreamError.refused(reason, 'so it says', true)
    })
    t.match(await failureOf(dialler.dial(requestFor(['100.96.0.10']))), {
      reason: expected,
      detail: 'the shoot-client says: so it says',
    })
  })
}

t.test('a stream that is gone before it was opened has lost the tunnel', async (t) => {
  const dialler = diallerOf(async () => {
    throw StreamError.reset('lanes-lost', false)
  })
  t.match(await failureOf(dialler.dial(requestFor(['100.96.0.10']))), { reason: 'tunnel-down' })
  t.match(await failureOf(diallerOf(undefined).dial(requestFor(['100.96.0.10']))), { reason: 'tunnel-down' })
})

t.test('an address that was not asked for is refused, and the stream reset', async (t) => {
  const stream = new Opened('100.96.0.99')
  const dialler = diallerOf(async () => stream)
  t.match(await failureOf(dialler.dial(requestFor(['100.96.0.10']))), { reason: 'dial-failed' })
  t.ok(stream.destroyed)
})

t.test('a dial ends with its time, and when the caller leaves', async (t) => {
  const dialler = diallerOf(
    (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  t.match(await failureOf(dialler.dial(requestFor(['100.96.0.10'], { timeoutMs: 1 }))), {
    reason: 'dial-timeout',
  })
  const caller = new AbortController()
  const dialled = dialler.dial(requestFor(['100.96.0.10'], { signal: caller.signal }))
  caller.abort(new Error('the caller has left'))
  t.match(await failureOf(dialled), { message: 'the caller has left' })
})
