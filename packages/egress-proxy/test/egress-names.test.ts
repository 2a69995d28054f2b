import { connect } from 'node:net'
import t from 'tap'
import { FarEnd } from './support/far-end.js'
import { countOpenHandles, settledHandles } from './support/open-handles.js'
import { makePki, ProxyFixture } from './support/proxy-fixture.js'
import { connectRequest, type RawCaller } from './support/raw-caller.js'

const pki = makePki()
const baseline = countOpenHandles()

/** A resolver whose answers the test gives by hand. */
class HandResolver {
  readonly asked: string[] = []
  readonly #pending = new Map<string, (addresses: readonly string[]) => void>()

  readonly lookup = (name: string): Promise<readonly string[]> => {
    this.asked.push(name)
    return new Promise((resolve) => this.#pending.set(name, resolve))
  }

  answer(name: string, addresses: readonly string[]): void {
    this.#pending.get(name)?.(addresses)
    this.#pending.delete(name)
  }

  answerAll(): void {
    for (const name of [...this.#pending.keys()]) this.answer(name, [])
  }
}

t.test('dials the address that was checked, without a second look-up', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('hello'))
  let lookups = 0
  // The second answer is the one of an attacker who counts on another look-up.
  const lookup = async () => (lookups++ === 0 ? ['127.0.0.1'] : ['127.66.0.1'])
  await using fixture = await ProxyFixture.start(pki, { lookup })
  const caller = await fixture.callTls()
  await caller.dial(`Node-1.Example:${farEnd.port}`)
  t.equal(String(await caller.readAll()), 'hello')
  t.equal(lookups, 1)
  caller.socket.end()
  await caller.closed()
  t.match(await fixture.accessLine(), {
    target: `Node-1.Example:${farEnd.port}`,
    address: `127.0.0.1:${farEnd.port}`,
  })
})

t.test('removes forbidden answers and tries the others in order', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('hello'))
  const lookup = async () => ['10.0.0.1', '127.66.0.1', 'fe80::1%lo', '::ffff:127.0.0.9', '::1', '127.0.0.1']
  await using fixture = await ProxyFixture.start(pki, { lookup })
  const caller = await fixture.callTls()
  await caller.dial(`pod.example:${farEnd.port}`)
  t.equal(String(await caller.readAll()), 'hello')
  caller.socket.end()
  await caller.closed()
  t.match(await fixture.accessLine(), { address: `127.0.0.1:${farEnd.port}` })
})

t.test('answers 403 when no answer is permitted', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { lookup: async () => ['10.0.0.1', '::ffff:10.0.0.2'] })
  const caller = await fixture.callTls()
  const answer = await caller.ask(connectRequest('evil.example:80'))
  t.equal(answer.status, 403)
  t.match(answer.phrase, /prohibited.*evil\.example/)
  caller.socket.destroy()
})

for (const [what, lookup] of [
  ['the name does not exist', () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))],
  ['the name has no address', async () => []],
  [
    'the resolver throws',
    () => {
      throw new Error('out of order')
    },
  ],
] as const) {
  t.test(`answers 502 when ${what}`, async (t) => {
    await using fixture = await ProxyFixture.start(pki, { lookup })
    const caller = await fixture.callTls()
    const answer = await caller.ask(connectRequest('nowhere.example:80'))
    t.equal(answer.status, 502)
    t.match(answer.fields.get('Proxy-Status'), /error=dns_error/)
    t.equal(fixture.state.lookups, 0)
    caller.socket.destroy()
  })
}

t.test('names of a dead zone hold up no other, and none that the hosts file has', async (t) => {
  const resolver = new HandResolver()
  await using farEnd = await FarEnd.start((socket) => socket.end('hello'))
  await using fixture = await ProxyFixture.start(pki, { lookup: resolver.lookup })
  const dead = await Promise.all(Array.from({ length: 70 }, () => fixture.callUnix()))
  for (const [i, caller] of dead.entries()) caller.socket.write(connectRequest(`host-${i}.dead.example:1`))
  await fixture.until(() => resolver.asked.length === 16)
  const known = await fixture.callUnix()
  await known.dial(`localhost:${farEnd.port}`)
  t.equal(resolver.asked.length, 16, 'of 70 names; nobody was asked for localhost')
  const more = await fixture.callUnix()
  more.socket.write(connectRequest(`host.living.net:${farEnd.port}`))
  await fixture.until(() => resolver.asked.includes('host.living.net'))
  resolver.answer('host.living.net', ['127.0.0.1'])
  t.equal((await more.readAnswer()).status, 200)
  for (const caller of [...dead, known, more]) caller.socket.destroy()
  resolver.answerAll()
})

t.test('asks the system when it is given no other resolver', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('hello'))
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  await caller.dial(`localhost:${farEnd.port}`)
  t.equal(String(await caller.readAll()), 'hello')
  caller.socket.end()
  await caller.closed()
})

t.test('answers 504 when the resolver is silent', async (t) => {
  const resolver = new HandResolver()
  const limits = { lookupTimeoutMs: 50 }
  await using fixture = await ProxyFixture.start(pki, { lookup: resolver.lookup, limits })
  const caller = await fixture.callTls()
  const answer = await caller.ask(connectRequest('slow.example:80'))
  t.equal(answer.status, 504)
  t.match(answer.phrase, /timed out/)
  t.match(answer.fields.get('Proxy-Status'), /error=dns_timeout/)
  t.equal(fixture.state.lookups, 1, 'it runs until it has ended')
  resolver.answerAll()
  await fixture.until(({ state }) => state.lookups === 0)
  caller.socket.destroy()
})

t.test('looks up so many names at a time, queues so many, and refuses the rest', async (t) => {
  const resolver = new HandResolver()
  const limits = { maxLookups: 2, maxQueuedLookups: 1 }
  await using fixture = await ProxyFixture.start(pki, { lookup: resolver.lookup, limits })
  const ask = async (name: string): Promise<RawCaller> => {
    const caller = await fixture.callUnix()
    caller.socket.write(connectRequest(`${name}:1`))
    return caller
  }
  const one = await ask('one.example')
  await fixture.until(() => resolver.asked.length === 1)
  const two = await ask('two.example')
  await fixture.until(() => resolver.asked.length === 2)
  const three = await ask('three.example')
  const four = await ask('four.example')
  const early = await Promise.race([three.readAnswer(), four.readAnswer()])
  t.equal(early.status, 503)
  t.match(early.fields.get('Proxy-Status'), /error=connection_limit_reached/)
  t.equal(resolver.asked.length, 2)
  resolver.answer('one.example', ['127.0.0.1'])
  t.equal((await one.readAnswer()).status, 502)
  await fixture.until(() => resolver.asked.length === 3)
  resolver.answerAll()
  t.equal((await two.readAnswer()).status, 502)
  for (const caller of [one, two, three, four]) caller.socket.destroy()
})

t.test('looks a name up once for all who ask for it meanwhile', async (t) => {
  const resolver = new HandResolver()
  await using fixture = await ProxyFixture.start(pki, { lookup: resolver.lookup })
  const callers = await Promise.all(Array.from({ length: 5 }, () => fixture.callUnix()))
  const answers = callers.map((caller) => caller.ask(connectRequest('same.example:1')))
  // An address outside the networks is answered at once: when its answer is there, so are the requests before it.
  const last = await fixture.callUnix()
  await last.ask(connectRequest('10.0.0.1:1'))
  resolver.answer('same.example', ['10.0.0.1'])
  for (const answer of await Promise.all(answers)) t.equal(answer.status, 403)
  t.strictSame(resolver.asked, ['same.example'])
  for (const caller of [last, ...callers]) caller.socket.destroy()
})

t.test('does not look up for a caller that has left the queue', async (t) => {
  const resolver = new HandResolver()
  await using fixture = await ProxyFixture.start(pki, { lookup: resolver.lookup, limits: { maxLookups: 1 } })
  const one = await fixture.callTls()
  one.socket.write(connectRequest('one.example:1'))
  await fixture.until(() => resolver.asked.length === 1)
  const transport = connect(fixture.port, '127.0.0.1')
  const two = await fixture.callTls({ socket: transport })
  await new Promise<void>((resolve) => two.socket.write(connectRequest('two.example:1'), () => resolve()))
  transport.resetAndDestroy()
  await fixture.until(({ state }) => state.connections === 1)
  resolver.answer('one.example', [])
  t.equal((await one.readAnswer()).status, 502)
  t.strictSame(resolver.asked, ['one.example'])
  one.socket.destroy()
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})
