import { setTimeout as sleep } from 'node:timers/promises'
import { FrameStream, Lane } from '@reversed-vpn/session'
import type { LaneHandler } from '@reversed-vpn/session/testing'
import { EndlessQueue } from './endless-queue.js'
import type { LadderStep, PreparedStep } from './ladder-step.js'
import { connectTlsPair } from './loopback-tls.js'
import { sampleChecker } from './sample-checker.js'

const KEEPALIVE = { keepaliveMs: 5_000, deadAfterMs: 15_000 }
const NO_HANDLER: LaneHandler = {
  onReady: () => {},
  onSilenceChange: () => {},
  onGoAway: () => {},
  onRotationDue: () => {},
  onDown: () => {},
}

/** Two lanes and TLS over loopback, one direction, without a TUN. One operation is one packet written to the queue. */
export function laneLoopback(name: string, frame: Buffer): LadderStep {
  return {
    name,
    operation: 'packet',
    bytesPerOperation: frame.length,
    prepare: () => prepare(frame),
  }
}

async function prepare(frame: Buffer): Promise<PreparedStep> {
  const pair = await connectTlsPair()
  const source = new EndlessQueue(frame, true)
  const sink = new EndlessQueue(frame, false)
  const [sender, receiver] = [
    { stream: pair.client, queue: source },
    { stream: pair.server, queue: sink },
  ].map(({ stream, queue }) => {
    const frames = new FrameStream(stream)
    const checkers = { toPeerChecker: sampleChecker(), fromPeerChecker: sampleChecker() }
    return new Lane({ index: 0, frames, queue, ...checkers, ...KEEPALIVE, handler: NO_HANDLER })
  })
  receiver?.open()
  sender?.open()
  return {
    run: async (milliseconds) => {
      const before = sink.writtenFrames
      sender?.startSending()
      await sleep(milliseconds)
      sender?.stopSending()
      return sink.writtenFrames - before
    },
    [Symbol.asyncDispose]: async () => {
      sender?.abort()
      receiver?.abort()
      await pair[Symbol.asyncDispose]()
    },
  }
}
