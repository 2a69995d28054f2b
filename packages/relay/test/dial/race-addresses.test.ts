import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { raceAddresses } from '@reversed-vpn/relay/testing'
import t from 'tap'

const NEVER = new AbortController().signal
/** Far less than the time between two attempts. */
const SOON_MS = 50

type Behaviour = 'silent' | 'refuses' | 'breaks' | number

/** Addresses are names of behaviours: silent, refusing, or answering after so many ms. Real sockets to a real server. */
async function startRace(behaviours: Readonly<Record<string, Behaviour>>) {
  const server: Server = createServer((socket) => socket.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const opened: { address: string; atMs: number; isSoonAfterFailure: boolean; socket: Socket }[] = []
  const startedAtMs = performance.now()
  const sinceMs = () => performance.now() - startedAtMs
  let isSoonAfterFailure = false
  /** By a timer: one that was to fire later does not come first, however long the machine stands still. */
  const rememberFailure = () => {
    isSoonAfterFailure = true
    setTimeout(() => {
      isSoonAfterFailure = false
    }, SOON_MS)
  }
  const open = (address: string): Socket => {
    const atMs = sinceMs()
    const behaviour = behaviours[address]
    if (behaviour === 'breaks') throw Object.assign(new Error('no such device'), { code: 'ENODEV' })
    const socket = new Socket()
    opened.push({ address, atMs, isSoonAfterFailure, socket })
    if (behaviour === 'refuses') socket.once('error', rememberFailure).connect(1, '127.0.0.1')
    if (typeof behaviour === 'number') setTimeout(() => socket.connect(port, '127.0.0.1'), behaviour)
    return socket
  }
  const addresses = Object.keys(behaviours)
  return {
    opened,
    run: (signal = NEVER, deadline?: Parameters<typeof raceAddresses>[3]) =>
      raceAddresses(addresses, open, signal, deadline),
    async [Symbol.asyncDispose]() {
      for (const { socket } of opened) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

for (const order of ['dead first', 'dead last', 'among dead ones']) {
  t.test(`an address that answers after 600 ms wins, ${order}`, async (t) => {
    const living = { living: 600 }
    const before = order === 'dead last' ? {} : { one: 'silent', two: 'silent' }
    const after = order === 'dead first' ? {} : { three: 'silent', four: 'silent' }
    await using race = await startRace({ ...before, ...living, ...after } as Record<string, Behaviour>)
    const socket = await race.run()
    t.equal(socket, race.opened.find(({ address }) => address === 'living')?.socket)
    t.notOk(socket.destroyed)
    for (const loser of race.opened) t.equal(loser.socket.destroyed, loser.socket !== socket, loser.address)
  })
}

t.test('attempts start 250 ms apart, or as soon as one fails', async (t) => {
  await using race = await startRace({ a: 'silent', b: 'refuses', c: 'breaks', d: 'silent', e: 0 })
  await race.run()
  const atMs = Object.fromEntries(race.opened.map((attempt) => [attempt.address, attempt.atMs]))
  t.ok(Number(atMs.b) >= 245, `b at ${atMs.b}`)
  t.ok(race.opened.find(({ address }) => address === 'd')?.isSoonAfterFailure, 'd when b and c have failed')
  t.ok(Number(atMs.e) - Number(atMs.d) >= 245, `e at ${atMs.e}`)
})

t.test('a deadline ends all attempts with its own error', async (t) => {
  await using race = await startRace({ a: 'silent', b: 'silent' })
  await t.rejects(race.run(NEVER, { ms: 20, error: () => new Error('too late') }), /too late/)
  t.ok(race.opened.every(({ socket }) => socket.destroyed))
})

t.test('nothing more is dialled once one has won', async (t) => {
  await using race = await startRace({ a: 0, b: 0 })
  await race.run()
  const dialled = race.opened.length
  await new Promise((resolve) => setTimeout(resolve, 400))
  t.equal(race.opened.length, dialled)
})

t.test('when all fail, every error is kept, in the order of the addresses', async (t) => {
  await using race = await startRace({ a: 'refuses', b: 'breaks', c: 'refuses' })
  const error = await race.run().catch((error: unknown) => error)
  t.match(error, { code: 'ECONNREFUSED', errors: [/refused/i, /no such device/, /refused/i].map(() => ({})) })
  t.same(
    (error as AggregateError).errors.map(({ code }: NodeJS.ErrnoException) => code),
    ['ECONNREFUSED', 'ENODEV', 'ECONNREFUSED'],
  )
  await using single = await startRace({ a: 'breaks' })
  await t.rejects(single.run(), { message: 'no such device', code: 'ENODEV' })
})

t.test('the signal ends every attempt', async (t) => {
  const controller = new AbortController()
  await using race = await startRace({ a: 'silent', b: 'silent', c: 'silent' })
  setTimeout(() => controller.abort(new Error('stopped')), 300)
  await t.rejects(race.run(controller.signal), { message: 'stopped' })
  t.equal(race.opened.length, 2)
  for (const { socket } of race.opened) t.ok(socket.destroyed)
})

for (const behaviour of ['refuses', 'breaks'] as const) {
  t.test(`a thousand addresses of which each ${behaviour} fail in order, and in a few words`, async (t) => {
    const addresses = Array.from({ length: 1000 }, (_, index) => [`address-${index}`, behaviour])
    await using race = await startRace(Object.fromEntries(addresses))
    const error: AggregateError = await race.run().then(
      () => t.fail('connected'),
      (reason) => reason,
    )
    t.equal(error.errors.length, 1000)
    t.match(error.message, /; 996 more$/)
    t.ok(error.message.length < 300, `${error.message.length} characters`)
  })
}
