import { randomBytes } from 'node:crypto'
import { connect, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { CidrSet } from '@reversed-vpn/ip'
import { socketDescriptor } from '@reversed-vpn/node-tun/socket'
import { getTcpKeepAliveIntervalS } from '@reversed-vpn/node-tun/testing'
import t from 'tap'
import { FarEnd } from './support/far-end.js'
import { countOpenHandles, settledHandles } from './support/open-handles.js'
import { LOOPBACK_ALLOWED, makePki, ProxyFixture } from './support/proxy-fixture.js'
import { connectRequest, type RawCaller, sha256 } from './support/raw-caller.js'

const pki = makePki()
const baseline = countOpenHandles()
/** Longer than any caller takes that is not kept from reading. */
const LATE_MS = 200
const TAIL = randomBytes(3 * 2 ** 20)

const TRANSPORTS: readonly (readonly [string, (fixture: ProxyFixture) => Promise<RawCaller>])[] = [
  ['TLS', (fixture) => fixture.callTls()],
  ['a Unix socket', (fixture) => fixture.callUnix()],
]

for (const [name, call] of TRANSPORTS) {
  t.test(`over ${name}`, async (t) => {
    t.test('gives a far end that talks first no place in the read of the 200', async (t) => {
      await using farEnd = await FarEnd.start((socket) => socket.end('SSH-2.0-first\r\n'))
      await using fixture = await ProxyFixture.start(pki)
      for (let round = 0; round < 30; round++) {
        const caller = await call(fixture)
        await caller.dial(`127.0.0.1:${farEnd.port}`)
        t.equal(String(await caller.readAll()), 'SSH-2.0-first\r\n')
        caller.socket.end()
        await caller.closed()
      }
    })

    t.test('sends the target first what came behind the CONNECT', async (t) => {
      await using farEnd = await FarEnd.start(echo)
      await using fixture = await ProxyFixture.start(pki)
      const caller = await call(fixture)
      await caller.ask(`${connectRequest(`127.0.0.1:${farEnd.port}`)}early `)
      caller.socket.end('late')
      t.equal(String(await caller.readAll()), 'early late')
      await caller.closed()
    })

    t.test('passes on the end of the caller and then the tail of the far end', async (t) => {
      let received: Buffer = Buffer.alloc(0)
      await using farEnd = await FarEnd.start(async (socket) => {
        received = await drain(socket)
        socket.end(TAIL)
      })
      await using fixture = await ProxyFixture.start(pki)
      const caller = await call(fixture)
      await caller.dial(`127.0.0.1:${farEnd.port}`)
      caller.socket.end(TAIL)
      t.equal(sha256(await caller.readAll()), sha256(TAIL))
      t.equal(sha256(received), sha256(TAIL))
      await caller.closed()
      t.match(await fixture.accessLine(), {
        code: 200,
        reason: 'ok',
        end: 'caller-closed',
        address: `127.0.0.1:${farEnd.port}`,
        bytesToShoot: TAIL.length,
        bytesToSeed: TAIL.length,
      })
      t.strictSame(fixture.bytes, { toShoot: TAIL.length, toSeed: TAIL.length })
    })

    t.test('passes on the end of the far end and then the tail of the caller', async (t) => {
      const uploads: Promise<Buffer>[] = []
      await using farEnd = await FarEnd.start((socket) => {
        uploads.push(drain(socket))
        socket.end('bye')
      })
      await using fixture = await ProxyFixture.start(pki)
      const caller = await call(fixture)
      await caller.dial(`127.0.0.1:${farEnd.port}`)
      t.equal(String(await caller.readAll()), 'bye')
      caller.socket.end(TAIL)
      await caller.closed()
      t.equal(sha256((await uploads[0]) ?? ''), sha256(TAIL))
      t.match(await fixture.accessLine(), { end: 'target-closed' })
    })

    t.test('serves a caller that ended its direction along with the request', async (t) => {
      await using farEnd = await FarEnd.start(echo)
      await using fixture = await ProxyFixture.start(pki)
      const caller = await call(fixture)
      caller.socket.end(`${connectRequest(`127.0.0.1:${farEnd.port}`)}all I have to say`)
      t.equal((await caller.readAnswer()).status, 200)
      t.equal(String(await caller.readAll()), 'all I have to say')
      await caller.closed()
    })

    t.test('carries megabytes both ways at once', async (t) => {
      await using farEnd = await FarEnd.start(echo)
      await using fixture = await ProxyFixture.start(pki)
      const caller = await call(fixture)
      await caller.dial(`127.0.0.1:${farEnd.port}`)
      const echoed = caller.readAll()
      for (let i = 0; i < 5; i++) caller.socket.write(TAIL)
      caller.socket.end()
      t.equal(sha256(await echoed), sha256(Buffer.concat([TAIL, TAIL, TAIL, TAIL, TAIL])))
      await caller.closed()
    })
  })
}

t.test(
  'resets a TLS caller when the far end breaks off, so that what it got does not look whole',
  async (t) => {
    await using farEnd = await FarEnd.start((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await using fixture = await ProxyFixture.start(pki)
    const caller = await fixture.callTls()
    await caller.dial(`127.0.0.1:${farEnd.port}`)
    caller.socket.write('x')
    await caller.closed()
    t.equal(caller.lastError?.code, 'ECONNRESET')
    t.notOk(caller.socket.readableEnded)
    t.match(await fixture.accessLine(), { reason: 'ok', end: 'target-reset' })
  },
)

t.test('resets the far end when the caller is reset', async (t) => {
  const errors: NodeJS.ErrnoException[] = []
  await using farEnd = await FarEnd.start((socket) => {
    socket.resume()
    socket.on('error', (error) => errors.push(error))
    socket.write('go on')
  })
  await using fixture = await ProxyFixture.start(pki)
  const transport = connect(fixture.port, '127.0.0.1')
  const caller = await fixture.callTls({ socket: transport })
  await caller.dial(`127.0.0.1:${farEnd.port}`)
  await caller.readAtLeast(5)
  transport.resetAndDestroy()
  t.match(await fixture.accessLine(), { reason: 'ok', end: 'caller-reset' })
  await fixture.until(() => farEnd.openSockets === 0)
  t.match(errors, [{ code: 'ECONNRESET' }])
})

t.test('delivers a whole answer of a far end that resets what comes after it', async (t) => {
  await using farEnd = await FarEnd.start((socket) => {
    socket.once('data', () => socket.end(TAIL, () => socket.destroy()))
  })
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  await caller.dial(`127.0.0.1:${farEnd.port}`)
  caller.socket.write('request')
  t.equal(sha256(await caller.readAll()), sha256(TAIL))
  caller.socket.destroy()
})

t.test('comes from the transfer address of the family of the target', async (t) => {
  await using fixture = await ProxyFixture.start(pki, { transfer: { ipv4: '127.0.0.7', ipv6: '::1' } })
  for (const [host, target, source] of [
    ['127.0.0.1', '127.0.0.1', '127.0.0.7'],
    ['127.0.0.1', '[::ffff:7f00:1]', '127.0.0.7'],
    ['::1', '[::1]', '::1'],
  ] as const) {
    await using farEnd = await FarEnd.start((socket) => socket.end(), host)
    const caller = await fixture.callTls()
    await caller.dial(`${target}:${farEnd.port}`)
    await caller.readAll()
    t.strictSame(farEnd.sources, [source])
    caller.socket.end()
    await caller.closed()
  }
})

t.test('a caller on a Unix socket gets the 200 alone, however late it reads', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('SSH-2.0-first\r\n'))
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callUnix()
  caller.socket.pause()
  caller.socket.write(connectRequest(`127.0.0.1:${farEnd.port}`))
  await fixture.until(() => fixture.state.streams === 1)
  await wait(LATE_MS)
  t.match(await caller.readAnswer(), { status: 200 })
  t.equal(String(await caller.readAll()), 'SSH-2.0-first\r\n')
  caller.socket.end()
  await caller.closed()
})

t.test('a caller on a Unix socket that never reads is held back no longer than it may be', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.end('first'))
  await using fixture = await ProxyFixture.start(pki, { limits: { unixHoldBackMs: 20 } })
  const caller = await fixture.callUnix()
  caller.socket.pause()
  caller.socket.write(connectRequest(`127.0.0.1:${farEnd.port}`))
  await fixture.until(() => fixture.bytes.toSeed > 0)
  t.equal(fixture.bytes.toSeed, 'first'.length)
  caller.socket.destroy()
})

t.test('probes quiet connections on both sides half a minute apart', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.resume())
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  await caller.dial(`127.0.0.1:${farEnd.port}`)
  const isOfProxy = (socket: Socket) => socket.remotePort === farEnd.port || socket.localPort === fixture.port
  const descriptors = new Set(ownSockets().filter(isOfProxy).map(socketDescriptor))
  t.equal(descriptors.size, 2, 'one to the caller, one to the target')
  for (const fd of descriptors) t.equal(getTcpKeepAliveIntervalS(fd ?? -1), 30)
  caller.socket.destroy()
})

t.test('says of a stream that a reload breaks why it ended', async (t) => {
  await using farEnd = await FarEnd.start((socket) => socket.resume())
  await using fixture = await ProxyFixture.start(pki)
  const caller = await fixture.callTls()
  await caller.dial(`127.0.0.1:${farEnd.port}`)
  fixture.proxy.setNetworks({ ...LOOPBACK_ALLOWED, allowed: CidrSet.of([]) })
  t.match(await fixture.accessLine(), { reason: 'ok', end: 'prohibited' })
  await caller.closed()
})

t.test('is not held up by 200 callers that do not read', async (t) => {
  await using farEnd = await FarEnd.start((socket) => {
    socket.resume()
    for (let i = 0; i < 4; i++) socket.write(TAIL)
    socket.end()
  })
  await using fixture = await ProxyFixture.start(pki)
  const slow = await Promise.all(Array.from({ length: 200 }, () => fixture.callUnix()))
  await Promise.all(slow.map((caller) => caller.dial(`127.0.0.1:${farEnd.port}`)))
  const quick = await fixture.callTls()
  await quick.dial(`127.0.0.1:${farEnd.port}`)
  t.equal((await quick.readAll()).length, 4 * TAIL.length)
  t.equal(fixture.state.streams, 201)
  t.ok(fixture.bytes.toSeed < 200 * TAIL.length, 'what nobody reads is not taken from the far end')
  for (const caller of [quick, ...slow]) caller.socket.destroy()
})

t.test('leaves no socket and no timer behind', async (t) => {
  t.equal(await settledHandles(baseline), baseline)
})

/** All sockets of this process. */
function ownSockets(): Socket[] {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }
  return handles.call(process).filter((handle) => handle instanceof Socket)
}

function echo(socket: Socket): void {
  socket.pipe(socket)
}

async function drain(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks)
}
