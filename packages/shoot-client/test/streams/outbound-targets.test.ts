import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { CidrSet } from '@reversed-vpn/ip'
import { ByteBudget, LOOKUP_LIMITS, TargetResolver } from '@reversed-vpn/relay'
import { OutboundTargets } from '@reversed-vpn/shoot-client/testing'
import t, { type Test } from 'tap'

type Options = ConstructorParameters<typeof OutboundTargets>[0]
type Networks = Options['networks']
type Lookup = (name: string) => Promise<readonly string[]>

const LOOPBACK: Networks = {
  allowed: CidrSet.of(['127.0.0.0/8']),
  refused: CidrSet.of(['127.66.0.0/16', '169.254.0.0/16']),
}
const FAR_GRACE_MS = 600_000

function open(t: Test, options: Partial<Options> & { lookup?: Lookup } = {}) {
  const { lookup, ...others } = options
  const told = { refused: [] as string[], ended: [] as string[], toShoot: 0, toSeed: 0, dials: 0 }
  const budget = new ByteBudget(0)
  const targets = new OutboundTargets({
    networks: LOOPBACK,
    ownPorts: [],
    resolver: lookup && new TargetResolver(lookup, LOOKUP_LIMITS),
    budget,
    maxStreams: 10,
    maxDials: 10,
    dialTimeoutMs: 60_000,
    events: {
      onRefused: (reason) => told.refused.push(reason),
      onDialled: () => told.dials++,
      onBytes: (direction, bytes) => {
        told[direction] += bytes
      },
      onEnded: (outcome) => told.ended.push(outcome),
    },
    ...others,
  })
  t.teardown(() => targets.abort())
  return { targets, told, budget }
}

/** What the seed side sees of a stream that it has opened. */
class Opener {
  readonly leaving = new AbortController()
  /** The address that was dialled, or the reason and detail of the refusal. */
  readonly answer: Promise<string>
  readonly stream: Duplex
  readonly served: Promise<void>
  answers = 0

  constructor(targets: OutboundTargets, host: string, port: number, isName = false) {
    const [near, far] = duplexPair() as [Duplex, Duplex]
    this.stream = near
    this.far = far
    near.on('error', () => {})
    let answer: (text: string) => void = () => {}
    this.answer = new Promise((resolve) => {
      answer = (text) => {
        this.answers++
        resolve(text)
      }
    })
    this.served = targets.serve({
      request: { host, port, isName },
      signal: this.leaving.signal,
      accept: (address) => {
        answer(address)
        return far
      },
      refuse: (reason, detail) => answer(`${reason}: ${detail}`),
    })
  }

  /** The acceptor's end. */
  readonly far: Duplex
}

async function listen(t: Test, onConnection: (socket: Socket) => void, host = '127.0.0.1') {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

async function readAll(stream: Duplex): Promise<string> {
  let text = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) text += String(chunk)
  return text
}

/** A look-up that ends when the test says so. */
function heldLookup() {
  let answer: (addresses: readonly string[]) => void = () => {}
  const asked: string[] = []
  const addresses = new Promise<readonly string[]>((resolve) => {
    answer = resolve
  })
  const lookup: Lookup = (name) => {
    asked.push(name)
    return addresses
  }
  return { lookup, asked, answer }
}

t.test('dials an address of the networks and joins the two, each direction with its end', async (t) => {
  const { port } = await listen(t, async (socket) => socket.end(`answer to ${await readAll(socket)}`))
  const { targets, told, budget } = open(t)
  const opener = new Opener(targets, '127.0.0.1', port)
  t.equal(await opener.answer, '127.0.0.1')
  opener.stream.end('question')
  t.equal(await readAll(opener.stream), 'answer to question')
  await targets.close({ graceMs: FAR_GRACE_MS })
  t.match(told, { ended: ['client-ended'], toShoot: 8, toSeed: 18, dials: 1, refused: [] })
  t.strictSame([targets.streams, targets.dials, budget.heldBytes, budget.paused], [0, 0, 0, 0])
})

for (const [what, host] of [
  ['outside the networks', '10.0.0.1'],
  ['that is forbidden', '127.66.0.1'],
  ['where clouds keep credentials, IPv4-mapped', '::ffff:169.254.169.254'],
  ['that is no address', '127.1'],
] as const)
  t.test(`refuses what is ${what}`, async (t) => {
    const { targets, told } = open(t)
    t.match(await new Opener(targets, host, 80).answer, /^prohibited: /)
    t.match(told, { refused: ['prohibited'] })
  })

t.test('refuses its own ports at its own addresses, by name too', async (t) => {
  const own = await listen(t, () => t.fail('nothing reaches it'))
  const { targets } = open(t, { ownPorts: [own.port], lookup: async () => ['127.0.0.1'] })
  t.match(
    await new Opener(targets, '127.0.0.1', own.port).answer,
    /^prohibited: port \d+ of 127\.0\.0\.1 is /,
  )
  t.match(await new Opener(targets, 'node.example', own.port, true).answer, /^prohibited: port \d+ of node\./)
})

t.test('says why a target was not reached', async (t) => {
  const { targets, told } = open(t)
  t.match(await new Opener(targets, '127.0.0.1', 1).answer, /^refused: 127\.0\.0\.1:1: ECONNREFUSED$/)
  t.match(told, { refused: ['refused'], dials: 1 })
})

t.test('dials the address of a name that was judged, without a second look-up', async (t) => {
  const { port } = await listen(t, (socket) => socket.end('hello'))
  let lookups = 0
  const lookup = async () => (lookups++ === 0 ? ['10.0.0.1', '127.66.0.1', '127.0.0.1'] : ['127.66.0.1'])
  const { targets } = open(t, { lookup })
  const opener = new Opener(targets, 'Node-1.Example', port, true)
  t.equal(await opener.answer, '127.0.0.1')
  t.equal(await readAll(opener.stream), 'hello')
  opener.stream.end()
  t.equal(lookups, 1)
})

for (const [what, name, lookup, refusal] of [
  ['leads outside the networks', 'evil.example', async () => ['10.0.0.1'], /^prohibited: /],
  ['has no address', 'nowhere.example', async () => [], /^no-address: /],
  ['is none', 'a name', async () => t.fail('it is not looked up'), /^no-address: /],
  ['is not looked up here', 'node.example', undefined, /^prohibited: /],
] as const)
  t.test(`refuses a name that ${what}`, async (t) => {
    const { targets } = open(t, lookup && { lookup: lookup as Lookup })
    t.match(await new Opener(targets, name, 80, true).answer, refusal)
  })

t.test('judges a name by the networks of the time when it was looked up', async (t) => {
  const { lookup, answer } = heldLookup()
  const { targets } = open(t, { lookup })
  const opener = new Opener(targets, 'node.example', 80, true)
  targets.setNetworks({ ...LOOPBACK, allowed: CidrSet.of([]) })
  answer(['127.0.0.1'])
  t.match(await opener.answer, /^prohibited: /)
})

t.test('has limits on streams and on dials', async (t) => {
  const { port } = await listen(t, (socket) => socket.resume())
  const { lookup, answer } = heldLookup()
  const { targets, told } = open(t, { lookup, maxStreams: 2, maxDials: 1 })
  const slow = new Opener(targets, 'node.example', port, true)
  t.match(await new Opener(targets, '127.0.0.1', port).answer, /^too-many-connections: 1 targets are /)
  answer(['127.0.0.1'])
  t.equal(await slow.answer, '127.0.0.1')
  await slow.served
  const second = new Opener(targets, '127.0.0.1', port)
  t.equal(await second.answer, '127.0.0.1')
  await second.served
  t.match(await new Opener(targets, '127.0.0.1', port).answer, /^too-many-connections: 2 streams are /)
  t.strictSame(told.refused, ['too-many-connections', 'too-many-connections'])
})

t.test('gives up what its opener has left, without an answer', async (t) => {
  const { lookup, answer, asked } = heldLookup()
  const { targets, told } = open(t, { lookup })
  const opener = new Opener(targets, 'node.example', 80, true)
  t.strictSame(asked, ['node.example'])
  opener.leaving.abort()
  await opener.served
  answer(['127.0.0.1'])
  t.strictSame([opener.answers, told.refused, targets.dials], [0, [], 0])
})

t.test('breaks streams to where nobody may go any more, and no others', async (t) => {
  const { port } = await listen(t, (socket) => socket.resume())
  const { targets } = open(t)
  const [gone, kept] = [new Opener(targets, '127.0.0.1', port), new Opener(targets, '127.0.0.1', port)]
  const other = await listen(t, (socket) => socket.resume(), '127.0.0.2')
  const elsewhere = new Opener(targets, '127.0.0.2', other.port)
  await Promise.all([gone.served, kept.served, elsewhere.served])
  const failed = once(gone.far, 'error').catch((error) => [error])
  targets.setNetworks({ ...LOOPBACK, allowed: CidrSet.of(['127.0.0.2/32']) })
  t.match(await failed, [{ code: 'ERR_OUTBOUND_REFUSED', reason: 'prohibited' }])
  t.ok(kept.far.destroyed)
  t.notOk(elsewhere.far.destroyed)
})

t.test('tells the opener how a target broke', async (t) => {
  const { port } = await listen(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  const { targets, told } = open(t)
  const opener = new Opener(targets, '127.0.0.1', port)
  await opener.answer
  const failed = once(opener.far, 'error').catch((error) => [error])
  opener.stream.write('x')
  t.match(await failed, [{ code: 'ECONNRESET' }])
  await targets.close({ graceMs: FAR_GRACE_MS })
  t.strictSame(told.ended, ['target-broke'])
})

t.test('resets the target when the opener breaks the stream off', async (t) => {
  const { port, sockets } = await listen(t, (socket) => socket.resume())
  const { targets, told } = open(t)
  const opener = new Opener(targets, '127.0.0.1', port)
  await opener.served
  while (sockets.size === 0) await new Promise((resolve) => setImmediate(resolve))
  const [target] = [...sockets] as [Socket]
  const failed = once(target, 'error').catch((error) => [error])
  opener.far.destroy(new Error('RESET of the opener'))
  t.match(await failed, [{ code: 'ECONNRESET' }])
  await targets.close({ graceMs: FAR_GRACE_MS })
  t.strictSame(told.ended, ['client-broke'])
})

t.test('lets streams end when it is closed, and opens no more', async (t) => {
  const { port } = await listen(t, async (socket) => socket.end(await readAll(socket)))
  const { targets } = open(t)
  const opener = new Opener(targets, '127.0.0.1', port)
  await opener.served
  const closed = targets.close({ graceMs: FAR_GRACE_MS })
  t.match(await new Opener(targets, '127.0.0.1', port).answer, /^shutting-down: /)
  opener.stream.end('to the end')
  t.equal(await readAll(opener.stream), 'to the end')
  await closed
})

t.test('breaks what is left when its grace is over, dials too', async (t) => {
  const { port } = await listen(t, (socket) => socket.resume())
  const { lookup } = heldLookup()
  const { targets } = open(t, { lookup })
  const [running, dialling] = [
    new Opener(targets, '127.0.0.1', port),
    new Opener(targets, 'node.example', port, true),
  ]
  await running.served
  const failed = once(running.far, 'error').catch((error) => [error])
  await targets.close({ graceMs: 0 })
  t.match(await failed, [{ reason: 'shutting-down' }])
  t.match(await dialling.answer, /^shutting-down: /)
})
