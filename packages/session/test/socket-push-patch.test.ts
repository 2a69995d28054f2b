import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, createServer } from 'node:tls'
import { FRAME_TYPE, writeFrameHeader } from '@reversed-vpn/protocol'
import { Authority } from '@reversed-vpn/secure/testing'
import { FrameStream } from '@reversed-vpn/session'
import { READ_TURN_BYTES, takeChunks } from '@reversed-vpn/session/testing'
import t from 'tap'
import { memoryPair, STREAM_KINDS, type StreamPair, until } from './fixtures.js'

function ping(id: number): Buffer {
  const payload = Buffer.from(JSON.stringify({ id }))
  return Buffer.concat([Buffer.from([4, 0, 0, payload.length]), payload])
}

t.test('chunks that were queued before come first, and all in order', async (t) => {
  await using streams = memoryPair()
  streams.near.write(ping(1))
  await once(streams.far, 'readable')
  streams.near.write(ping(2))
  const frames = new FrameStream(streams.far)
  streams.near.write(ping(3))
  const ids: number[] = []
  const done = new Promise<void>((resolve) => {
    frames.setHandler({
      onControl: (message) => {
        if (message.type === 'PING') ids.push(message.id)
      },
      onData: () => {},
      onStreamFrame: () => {},
      onChunkEnd: () => {},
      onClose: () => resolve(),
    })
  })
  for (let id = 4; id <= 50; id++) streams.near.write(ping(id))
  streams.near.end()
  await done
  t.same(
    ids,
    Array.from({ length: 50 }, (_, index) => index + 1),
  )
})

for (const [kind, open] of Object.entries(STREAM_KINDS)) {
  t.test(`the end of a stream over ${kind} is still seen`, async (t) => {
    await using streams = await open()
    const frames = new FrameStream(streams.far)
    const closed = new Promise<Error | undefined>((resolve) => {
      frames.setHandler({
        onControl: () => {},
        onData: () => {},
        onStreamFrame: () => {},
        onChunkEnd: () => {},
        onClose: resolve,
      })
    })
    streams.near.write(ping(1))
    streams.near.end()
    t.match(await closed, { code: 'ERR_PEER_CLOSED', message: 'the connection ended without CLOSE' })
  })
}

t.test('bulk in small pieces comes whole and in order, though reading pauses', async (t) => {
  await using streams = await (STREAM_KINDS.TCP as () => Promise<StreamPair>)()
  const frames = new FrameStream(streams.far)
  const pieces = 400
  let received = 0
  let isInOrder = true
  const done = new Promise<void>((resolve) => {
    frames.setHandler({
      onControl: () => {},
      onData: (view) => {
        // A number that lies across two chunks is told by its neighbours.
        if (view.length(0) >= 4) {
          const number = Buffer.from(view.chunk(0).subarray(view.offset(0))).readUInt32BE()
          if (number !== received) isInOrder = false
        }
        received++
      },
      onStreamFrame: () => {},
      onChunkEnd: () => {},
      onClose: () => resolve(),
    })
  })
  for (let piece = 0; piece < pieces; piece++) {
    const frame = Buffer.alloc(4 + 16_000)
    writeFrameHeader(frame, 0, FRAME_TYPE.DATA, 16_000)
    frame.writeUInt32BE(piece, 4)
    streams.near.write(frame)
    const untilMs = performance.now() + 0.3
    while (performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve))
  }
  streams.near.end()
  await done
  t.equal(received, pieces)
  t.ok(isInOrder)
})

t.test('bulk that comes as fast as it can leaves a turn to others', async (t) => {
  await using streams = await (STREAM_KINDS.TCP as () => Promise<StreamPair>)()
  const sentBytes = 16 * READ_TURN_BYTES
  const payloadBytes = 60_000
  const frame = Buffer.alloc(4 + payloadBytes)
  writeFrameHeader(frame, 0, FRAME_TYPE.DATA, payloadBytes)
  const count = Math.ceil(sentBytes / frame.length)
  for (let i = 0; i < count; i++) streams.near.write(frame)
  streams.near.end()
  let longestBytes = 0
  let inTurnBytes = 0
  let isOver = false
  const nextTurn = () => {
    longestBytes = Math.max(longestBytes, inTurnBytes)
    inTurnBytes = 0
    if (!isOver) setImmediate(nextTurn)
  }
  setImmediate(nextTurn)
  const frames = new FrameStream(streams.far)
  let received = 0
  await new Promise<void>((resolve) => {
    frames.setHandler({
      onControl: () => {},
      onData: (view) => {
        received++
        inTurnBytes += view.payloadBytes
      },
      onStreamFrame: () => {},
      onChunkEnd: () => {},
      onClose: () => resolve(),
    })
  })
  isOver = true
  t.equal(received, count)
  t.ok(longestBytes > 0 && longestBytes < 2 * READ_TURN_BYTES, `${longestBytes} bytes in a turn`)
})

/**
 * Majors of Node that the contract was tried with. Another one: run this file with it, then the ladder of the
 * bench, and add it.
 */
const KNOWN_MAJORS = [20, 22, 24]

t.test('the Node that runs is one whose private contract was tried', async (t) => {
  t.ok(KNOWN_MAJORS.includes(Number(process.versions.node.split('.')[0])), process.version)
})

for (const [kind, open] of Object.entries({
  TCP: STREAM_KINDS.TCP as () => Promise<StreamPair>,
  TLS: tlsPair,
})) {
  t.test(`a ${kind} socket delivers by push, and reads on when _read is called`, async (t) => {
    await using streams = await open()
    const { near, far } = streams
    const chunks: Buffer[] = []
    takeChunks(far, (chunk) => chunks.push(chunk))
    // A listener beside it would hear of every chunk that did not take the shorter path.
    let emitted = 0
    far.on('data', () => emitted++)
    const count = () => chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    const sentBytes = 8 * READ_TURN_BYTES
    for (let i = 0; i < 8; i++) near.write(Buffer.alloc(READ_TURN_BYTES))
    await until(() => count() === sentBytes)
    t.equal(emitted, 0)

    far.pause()
    near.write('queued')
    await until(() => far.readableLength > 0)
    far.resume()
    await until(() => count() === sentBytes + 'queued'.length)
    t.equal(emitted, 1, 'what waits goes through the stream')
  })
}

async function tlsPair(): Promise<StreamPair> {
  const pair = new Authority(t.testdir(), 'ca').issue('peer')
  const server = createServer({ ...pair })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = once(server, 'secureConnection')
  const near = connect({ port: (server.address() as AddressInfo).port, rejectUnauthorized: false })
  const [far] = (await accepted) as [Duplex]
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy()
      far.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
