import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { FarEnd } from './support/far-end.js'
import { countOpenHandles, settledHandles } from './support/open-handles.js'
import { LOOPBACK_ALLOWED, makePki, ProxyFixture, TestGate } from './support/proxy-fixture.js'
import { connectRequest, type RawCaller } from './support/raw-caller.js'
import { SilentPort } from './support/silent-port.js'

const pki = makePki()
const baseline = countOpenHandles()
const down = () => Object.assign(new TestGate(), { isUp: false })

t.test('holds CONNECTs while the tunnel is down and lets them go in order of arrival', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.resume())
  const gate = down()
  await using fixture = await ProxyFixture.start(pki, { gate })
  const callers: RawCaller[] = []
  for (let i = 0; i < 20; i++) {
    const caller = await fixture.callTls()
    callers.push(caller)
    caller.socket.write(connectRequest(`127.0.0.${i + 1}:${farEnd.port}`))
    await fixture.until(({ state }) => state.held === i + 1)
  }
  // Those of one address are refused, each when its turn has come: the log shows the order.
  gate.raise()
  t.equal(fixture.state.held, 20, 'let go in a later turn')
  const answers = await Promise.all(callers.map((caller) => caller.readAnswer()))
  t.equal(answers[0]?.status, 200)
  t.equal(fixture.state.held, 0)
  const refused = fixture.accessLines.map((line) => line.target)
  const inOrder = Array.from({ length: 19 }, (_, i) => `127.0.0.${i + 2}:${farEnd.port}`)
  t.strictSame(refused, inOrder)
  for (const line of fixture.accessLines) t.ok(Number(line.heldMs) >= 0)
  for (const caller of callers) caller.socket.destroy()
})

t.test('answers 503 when the tunnel is not back in time', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { gate: down(), holdMs: 50 })
  const caller = await fixture.callTls()
  const answer = await caller.ask(connectRequest('127.0.0.1:1'))
  t.equal(answer.status, 503)
  t.match(answer.phrase, /tunnel down/)
  t.match(answer.fields.get('Proxy-Status'), /error=destination_unavailable/)
  const line = await fixture.accessLine()
  t.match(line, { code: 503, reason: 'tunnel-down', dialMs: 0 })
  t.ok(Number(line.heldMs) >= 49)
  t.equal(fixture.state.held, 0)
  caller.socket.destroy()
})

t.test('answers 503 at once when the hold is full', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { gate: down(), holdMax: 1 })
  const first = await fixture.callTls()
  first.socket.write(connectRequest('127.0.0.1:1'))
  await fixture.until(({ state }) => state.held === 1)
  const second = await fixture.callTls()
  const answer = await second.ask(connectRequest('127.0.0.1:1'))
  t.equal(answer.status, 503)
  t.match(answer.fields.get('Proxy-Status'), /error=connection_limit_reached/)
  t.equal(fixture.state.held, 1)
  for (const caller of [first, second]) caller.socket.destroy()
})

t.test('tells a prohibited target so without holding it', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { gate: down() })
  const caller = await fixture.callTls()
  t.equal((await caller.ask(connectRequest('10.0.0.1:1'))).status, 403)
  caller.socket.destroy()
})

for (const [way, leave] of [
  ['closes', (caller: RawCaller) => caller.socket.destroy()],
  ['ends its direction', (caller: RawCaller) => caller.socket.end()],
] as const) {
  t.test(`frees the place of a caller that ${way}`, async (t) => {
    const gate = down()
    await using fixture = await ProxyFixture.start(pki, { gate })
    for (const call of [() => fixture.callTls(), () => fixture.callUnix()]) {
      const caller = await call()
      caller.socket.write(connectRequest('127.0.0.1:1'))
      await fixture.until(({ state }) => state.held === 1)
      leave(caller)
      await fixture.until(({ state }) => state.held === 0 && state.connections === 0)
      await caller.closed()
    }
    t.equal(fixture.counts.get('caller-left'), 2)
    t.match(fixture.accessLines, [{ code: 0, reason: 'caller-left' }, { code: 0 }])
    t.equal(gate.listenerCount('up'), 0, 'nobody waits at the gate any more')
  })
}

t.test('keeps what a held caller says for its target', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.pipe(socket))
  const gate = down()
  await using fixture = await ProxyFixture.start(pki, { gate })
  const caller = await fixture.callTls()
  caller.socket.write(`${connectRequest(`127.0.0.1:${farEnd.port}`)}one `)
  await fixture.until(({ state }) => state.held === 1)
  await new Promise<void>((resolve) => caller.socket.write('two ', () => resolve()))
  caller.socket.end('three')
  gate.raise()
  t.equal((await caller.readAnswer()).status, 200)
  t.equal(String(await caller.readAll()), 'one two three')
  await caller.closed()
})

t.test('checks the networks again when the hold is over', async (t) => {
  const gate = down()
  await using fixture = await ProxyFixture.start(pki, { gate })
  const caller = await fixture.callTls()
  caller.socket.write(connectRequest('127.0.0.1:1'))
  await fixture.until(({ state }) => state.held === 1)
  fixture.proxy.setNetworks({ ...LOOPBACK_ALLOWED, refused: LOOPBACK_ALLOWED.allowed })
  gate.raise()
  t.equal((await caller.readAnswer()).status, 403)
  caller.socket.destroy()
})

t.test('checks the networks again when the dial is over', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.resume())
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  caller.socket.write(connectRequest(`127.0.0.1:${farEnd.port}`))
  // The dial begins in the same turn of the loop, and its answer is read in a later one.
  await fixture.until(({ counts }) => counts.get('held') === 1)
  t.notOk(fixture.counts.has('dialled'), 'the dial is under way')
  fixture.proxy.setNetworks({ ...LOOPBACK_ALLOWED, refused: LOOPBACK_ALLOWED.allowed })
  t.equal((await caller.readAnswer()).status, 403)
  t.match(await fixture.accessLine(), { reason: 'prohibited', address: `127.0.0.1:${farEnd.port}` })
  await fixture.until(() => farEnd.sources.length === 1 && farEnd.openSockets === 0)
  caller.socket.destroy()
})

t.test('keeps holding when the tunnel falls again at once', async (t) => {
  const gate = down()
  await using fixture = await ProxyFixture.start(pki, { gate })
  const caller = await fixture.callTls()
  caller.socket.write(connectRequest('127.0.0.1:1'))
  await fixture.until(({ state }) => state.held === 1)
  gate.raise()
  gate.isUp = false
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(fixture.state.held, 1)
  gate.raise()
  t.equal((await caller.readAnswer()).status, 502)
  caller.socket.destroy()
})

t.test('survives a gate that fails, and asks it again', async (t) => {
  const gate = down()
  let isBroken = true
  const wait = gate.waitUntilUp.bind(gate)
  gate.waitUntilUp = (signal) => (isBroken ? Promise.reject(new Error('broken')) : wait(signal))
  await using fixture = await ProxyFixture.start(pki, { gate })
  const first = await fixture.callTls()
  first.socket.write(connectRequest('127.0.0.1:1'))
  await fixture.until(({ state }) => state.held === 1)
  isBroken = false
  const second = await fixture.callTls()
  second.socket.write(connectRequest('127.0.0.1:1'))
  await fixture.until(({ state }) => state.held === 2)
  gate.raise()
  t.equal((await first.readAnswer()).status, 502)
  t.equal((await second.readAnswer()).status, 502)
  for (const caller of [first, second]) caller.socket.destroy()
})

t.test('has one deadline for look-up, hold and dial', async (t) => {
  await using silent = await SilentPort.open()
  const limits = { beyondHoldMs: 100, lookupTimeoutMs: 1000, dialTimeoutMs: 1500 }
  const lookup = async () => {
    await wait(900)
    return ['127.0.0.1']
  }
  const gate = down()
  await using fixture = await ProxyFixture.start(pki, { gate, holdMs: 1500, limits, lookup })
  const caller = await fixture.callTls()
  caller.socket.write(connectRequest(`slow.example:${silent.port}`))
  await fixture.until(({ state }) => state.held === 1)
  await wait(1200)
  gate.raise()
  t.equal((await caller.readAnswer()).status, 504)
  const line = await fixture.accessLine()
  t.equal(line.reason, 'dial-timeout')
  t.ok(Number(line.dialMs) < 1300, `dialled for ${line.dialMs} ms of the 400 that were left`)
  caller.socket.destroy()
})

t.test('holds no longer than the deadline leaves', async (t) => {
  const limits = { beyondHoldMs: 10, lookupTimeoutMs: 1500, dialTimeoutMs: 10 }
  const lookup = async () => {
    await wait(1200)
    return ['127.0.0.1']
  }
  await using fixture = await ProxyFixture.start(pki, { gate: down(), holdMs: 1500, limits, lookup })
  const caller = await fixture.callTls()
  t.match(await caller.ask(connectRequest('slow.example:1')), { status: 503, phrase: /tunnel down/ })
  t.ok(Number((await fixture.accessLine()).heldMs) < 1200, 'of the 1500 that a hold may last')
  caller.socket.destroy()
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})
