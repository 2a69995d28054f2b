import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { ByteBudget } from '@reversed-vpn/relay'
import t, { type Test } from 'tap'

const SMALL = 16_384
const LARGE = 65_536
const SENT_BYTES = 2 ** 20

/** A socket that is read by a budget, paused; and its peer, which has said a megabyte. */
async function openRead(t: Test, budget: ByteBudget): Promise<{ reader: Socket; peer: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const reader = connect({ host: '127.0.0.1', port, onread: budget.reads() }).pause()
  const [peer] = (await once(server, 'connection')) as [Socket]
  server.close()
  for (const socket of [reader, peer]) socket.on('error', () => {})
  t.teardown(() => {
    reader.destroy()
    peer.destroy()
  })
  peer.write(Buffer.from(Array.from({ length: SENT_BYTES }, (_, index) => index % 251)))
  return { reader, peer }
}

/** Reads until `bytes` are there, and pauses. @returns the chunks, each told back to the budget */
function read(reader: Socket, budget: ByteBudget, bytes = SENT_BYTES): Promise<number[]> {
  return new Promise((resolve) => {
    const lengths: number[] = []
    let sum = 0
    const onData = (chunk: Buffer) => {
      budget.hold(chunk)
      lengths.push(chunk.length)
      sum += chunk.length
      budget.letGo(chunk)
      if (sum < bytes) return
      reader.off('data', onData).pause()
      resolve(lengths)
    }
    reader.on('data', onData).resume()
  })
}

t.test(
  'bulk is read in large chunks while there is room, and in small ones by who comes too late',
  async (t) => {
    const budget = new ByteBudget(LARGE - SMALL)
    const [first, second] = [await openRead(t, budget), await openRead(t, budget)]
    const begun = await read(first.reader, budget, 4 * LARGE)
    t.ok((begun[0] ?? 0) < SMALL, 'it begins with little')
    t.equal(begun[1], SMALL, 'and not with a large one')
    t.equal(Math.max(...begun), LARGE)
    t.equal(Math.max(...(await read(second.reader, budget))), SMALL)
  },
)

t.test('the room of a stream that ended, or that became quiet, is there for others', async (t) => {
  const budget = new ByteBudget(LARGE - SMALL)
  const ended = await openRead(t, budget)
  await read(ended.reader, budget, 4 * LARGE)
  ended.reader.destroy()
  await once(ended.reader, 'close')
  const quiet = await openRead(t, budget)
  t.equal(Math.max(...(await read(quiet.reader, budget))), LARGE)
  quiet.peer.write('x')
  await read(quiet.reader, budget, 1)
  const next = await openRead(t, budget)
  t.equal(Math.max(...(await read(next.reader, budget))), LARGE)
})

t.test('a paused stream leaves everything in the kernel, and all of it comes in its order', async (t) => {
  const budget = new ByteBudget(LARGE)
  const { reader } = await openRead(t, budget)
  let at = 0
  reader.on('data', (chunk: Buffer) => {
    t.ok(chunk.every((byte, index) => byte === (at + index) % 251))
    t.notOk(reader.isPaused())
    at += chunk.length
    budget.hold(chunk)
    budget.letGo(chunk)
    reader.pause()
    t.equal(reader.readableLength, 0)
    if (at < SENT_BYTES) setImmediate(() => reader.resume())
    else reader.emit('all')
  })
  reader.resume()
  await once(reader, 'all')
  t.equal(budget.heldBytes, 0)
})
