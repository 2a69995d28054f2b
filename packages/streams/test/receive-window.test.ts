import type { TunnelStream } from '@reversed-vpn/streams/testing'
import t from 'tap'
import { data, fin, open } from './peer/frames.js'
import { type RawPeer, Stage } from './peer/raw-peer.js'

const KIB = 1024
const RTT_MS = 10

interface Settings {
  readonly budgetBytes?: number
  readonly rttMs?: number | undefined
}

/** Streams of an acceptor, accepted and read as fast as they come. */
async function readers(count: number, settings: Settings = {}) {
  const stage = new Stage('acceptor', { budgetBytes: 64 * KIB * KIB, ...settings })
  const peer = stage.lane(1, { rttMs: RTT_MS, ...settings })
  for (let id = 1; id <= count; id++) peer.say(open(id))
  const streams = stage.incoming.map((incoming) => incoming.accept('10.0.0.1') as TunnelStream)
  const windows = (await peer.hear()).map(({ value }) => value)
  return { stage, peer, streams, windows }
}

/** Sends so much on a stream that is read. @returns credit that was granted for it */
async function send(peer: RawPeer, id: number, bytes: number): Promise<number> {
  for (let sent = 0; sent < bytes; sent += 16_384) peer.say(data(id, Math.min(16_384, bytes - sent)))
  return (await peer.hear()).reduce((sum, { name, value }) => sum + (name === 'CREDIT' ? value : 0), 0)
}

t.test('windows begin smaller as the budget fills, and never below 16 KiB', async (t) => {
  const { stage, windows } = await readers(16, { budgetBytes: 1024 * KIB })
  const full = [256, 256].map((kib) => kib * KIB)
  const small = new Array(6).fill(64 * KIB)
  const least = new Array(8).fill(16 * KIB)
  t.strictSame(windows, [...full, ...small, ...least])
  t.equal(stage.budget.promisedBytes, (512 + 384 + 128) * KIB)
})

t.test('credit is granted for a quarter of the window, and not before', async (t) => {
  const { peer, streams } = await readers(1, { rttMs: undefined })
  streams[0]?.resume()
  t.equal(await send(peer, 1, 64 * KIB - 1), 0)
  t.equal(await send(peer, 1, 1), 64 * KIB)
})

t.test('a reader that stands still is granted nothing', async (t) => {
  const { peer, streams } = await readers(1)
  t.equal(await send(peer, 1, 256 * KIB), 0)
  streams[0]?.resume()
  t.ok((await peer.hear()).some(({ name }) => name === 'CREDIT'))
})

t.test('a window doubles when half of it is read within two round trips, to 16 MiB', async (t) => {
  const { stage, peer, streams } = await readers(1)
  streams[0]?.resume()
  t.equal(await send(peer, 1, 128 * KIB), (128 + 256) * KIB)
  t.equal(stage.budget.promisedBytes, 512 * KIB)
  for (let turns = 0; turns < 8; turns++) await send(peer, 1, stage.budget.promisedBytes / 2)
  t.equal(stage.budget.promisedBytes, 16_384 * KIB)
})

for (const [what, rttMs, waitMs] of [
  ['when half of it takes two round trips', RTT_MS, 2 * RTT_MS],
  ['while no round trip is known', undefined, 0],
] as const) {
  t.test(`a window does not grow ${what}`, async (t) => {
    const { stage, peer, streams } = await readers(1, { rttMs })
    streams[0]?.resume()
    for (let turns = 0; turns < 8; turns++) {
      stage.clock.advance(waitMs)
      await send(peer, 1, 128 * KIB)
    }
    t.equal(stage.budget.promisedBytes, 256 * KIB)
  })
}

t.test('windows leave a quarter of the budget to new streams', async (t) => {
  const { stage, peer, streams } = await readers(2, { budgetBytes: 1024 * KIB })
  for (const stream of streams) stream.resume()
  await send(peer, 1, 128 * KIB)
  t.equal(stage.budget.promisedBytes, 768 * KIB)
  await send(peer, 2, 128 * KIB)
  t.equal(stage.budget.promisedBytes, 768 * KIB, 'the second would take what is left')
})

t.test('a window shrinks as it is read when the budget is short', async (t) => {
  const { stage, peer, streams } = await readers(16, { budgetBytes: 1024 * KIB })
  streams[0]?.resume()
  const granted = await send(peer, 1, 128 * KIB)
  t.ok(granted < 128 * KIB, `${granted} B granted again`)
  t.ok(stage.budget.promisedBytes < 1024 * KIB)
})

t.test('what was promised is given back when a stream ends, however it does', async (t) => {
  const { stage, peer, streams } = await readers(3)
  t.equal(stage.budget.promisedBytes, 768 * KIB)
  streams[0]?.destroy()
  t.equal(stage.budget.promisedBytes, 512 * KIB)
  peer.say(data(2, 100), fin(2))
  t.equal(stage.budget.promisedBytes, 256 * KIB + 100, 'after FIN it is what was not read')
  stage.multiplexer.close('shutting-down')
  t.equal(stage.budget.promisedBytes, 0)
})

t.test('no credit is granted after FIN was received', async (t) => {
  const { peer } = await readers(1)
  for (let frames = 0; frames < 8; frames++) peer.say(data(1, 16_384))
  peer.say(fin(1))
  t.strictSame(await peer.hear(), [])
})
