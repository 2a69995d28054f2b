import { Duplex } from 'node:stream'
import { FRAME_HEADER_BYTES, FRAME_TYPE, writeFrameHeader } from '@reversed-vpn/protocol'
import { FrameStream, Lane } from '@reversed-vpn/session'
import t, { type Test } from 'tap'
import { allocatedBytes } from '../allocated-bytes.js'
import { checkers, gsoFrame, udpFrame, unsummedUdpFrame } from '../fixtures.js'
import { SteadyQueue } from '../steady-queue.js'

const BATCHES = 1000
const FEW = 10
const MANY = 100
const MIN_ROUNDS = 10
const MAX_ROUNDS = 60

/**
 * Half of the least that an object takes. Measured on Node 20.20, x64: −1.5 to 2.7 with half as many batches,
 * so noise.
 */
const MAX_BYTES_PER_PACKET = 8
/**
 * For what a batch needs once, however many packets it has: a callback, a view of the buffer, the stream's
 * bookkeeping, a turn of the loop. Measured: 1033 to 1338.
 */
const MAX_BYTES_PER_BATCH = 2000

/** Of sizes that a lane sends at once: many small packets would wait for more. */
const FRAMES: Readonly<Record<string, Uint8Array>> = {
  'plain UDP packets': udpFrame(Buffer.alloc(1200)),
  'UDP packets that become GSO packets': unsummedUdpFrame(Buffer.alloc(1200)),
  'TCP GSO packets': gsoFrame(Buffer.alloc(1500)),
}

/** A peer that takes everything at once and says what it is told to. */
class OpenEnd extends Duplex {
  writtenBytes = 0

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.writtenBytes += chunk.length
    done()
  }
}

function openLane(frame: Uint8Array) {
  const queue = new SteadyQueue(frame)
  const stream = new OpenEnd({ highWaterMark: 2 ** 20 })
  const { toShoot } = checkers()
  const lane = new Lane({
    index: 0,
    frames: new FrameStream(stream),
    queue,
    toPeerChecker: toShoot,
    fromPeerChecker: toShoot,
    keepaliveMs: 600_000,
    deadAfterMs: 1_800_000,
    handler: {
      onReady: () => {},
      onSilenceChange: () => {},
      onGoAway: () => {},
      onRotationDue: () => {},
      onDown: () => {},
    },
  })
  lane.open()
  return { lane, queue, stream }
}

/**
 * Calls `step` once in each of so many turns of the event loop: what a batch leaves to do is done in between.
 */
function inTurns(count: number, step: () => void): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    const turn = () => {
      step()
      if (--left > 0) setImmediate(turn)
      else setImmediate(resolve)
    }
    setImmediate(turn)
  })
}

function streamOf(frame: Uint8Array, count: number): Buffer {
  const bytes = Buffer.alloc(count * (FRAME_HEADER_BYTES + frame.length))
  for (let at = 0; at < bytes.length; at += FRAME_HEADER_BYTES + frame.length) {
    writeFrameHeader(bytes, at, FRAME_TYPE.DATA, frame.length)
    bytes.set(frame, at + FRAME_HEADER_BYTES)
  }
  return bytes
}

/**
 * The same number of batches of few and of many packets: what the many take more, they take for themselves. The least of
 * ten rounds counts, and of more while that is too much: what a lane allocates itself it allocates in each round, but the
 * compiler works on the same heap, and until it has had a processor, the interpreter allocates what compiled code does not.
 */
async function measure(t: Test, runBatches: (packetsPerBatch: number) => Promise<void>): Promise<void> {
  let few = Number.POSITIVE_INFINITY
  let many = Number.POSITIVE_INFINITY
  const perPacket = () => (many - few) / (BATCHES * (MANY - FEW))
  const perBatch = () => few / BATCHES
  const isEnough = () => perPacket() < MAX_BYTES_PER_PACKET && perBatch() < MAX_BYTES_PER_BATCH
  for (let round = 0; round < MIN_ROUNDS || (round < MAX_ROUNDS && !isEnough()); round++) {
    few = Math.min(few, await allocatedBytes(() => runBatches(FEW)))
    many = Math.min(many, await allocatedBytes(() => runBatches(MANY)))
  }
  t.ok(perPacket() < MAX_BYTES_PER_PACKET, `${perPacket().toFixed(2)} B for each packet more`)
  t.ok(perBatch() < MAX_BYTES_PER_BATCH, `${perBatch().toFixed(0)} B for a batch of ${FEW} packets`)
}

for (const [what, frame] of Object.entries(FRAMES)) {
  t.test(`a lane that sends ${what} allocates nothing for each of them`, async (t) => {
    const { lane, queue, stream } = openLane(frame)
    t.teardown(() => lane.abort())
    lane.startSending()
    let asleep = 0
    let packets = 0
    await measure(t, async (packetsPerBatch) => {
      queue.packetsPerRead = packetsPerBatch
      packets += BATCHES * packetsPerBatch
      await inTurns(BATCHES, () => {
        if (!queue.wake()) asleep++
      })
    })
    t.equal(asleep, 0, 'it looked at the queue every time')
    t.equal(lane.counters.toPeer.packets, packets, 'and sent every packet')
    t.ok(stream.writtenBytes > packets * frame.length)
  })

  t.test(`a lane that receives ${what} allocates nothing for each of them`, async (t) => {
    const { lane, queue, stream } = openLane(frame)
    t.teardown(() => lane.abort())
    const streams = new Map([FEW, MANY].map((count) => [count, streamOf(frame, count)]))
    let packets = 0
    await measure(t, async (packetsPerBatch) => {
      packets += BATCHES * packetsPerBatch
      const sent = streams.get(packetsPerBatch) as Buffer
      const chunk = Buffer.from(sent)
      await inTurns(BATCHES, () => {
        // The receiver writes headers into the chunks it gets.
        chunk.set(sent)
        stream.push(chunk)
      })
    })
    t.equal(lane.counters.fromPeer.packets, packets, 'every packet came')
    t.ok(queue.writtenFrames > 0)
  })
}
