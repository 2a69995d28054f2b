import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { FrameStream, Lane } from '@reversed-vpn/session'
import type { LaneHandler, LaneOptions } from '@reversed-vpn/session/testing'
import { checkers, type StreamPair } from '../fixtures.js'

/** A seed's lane and a shoot's lane with a fake TUN each, joined by a stream. */
export function joinLanes(
  streams: StreamPair,
  handler: Partial<LaneHandler> = {},
  timing: Partial<LaneOptions> = {},
  joinStreams: {
    readonly seed?: LaneOptions['joinStreams']
    readonly shoot?: LaneOptions['joinStreams']
  } = {},
) {
  const { toShoot, toSeed } = checkers()
  const [seedTun, shootTun] = [createFakeTun(), createFakeTun()]
  const seedQueue = seedTun.device.openQueue()
  const common = { index: 0, keepaliveMs: 60_000, deadAfterMs: 180_000, ...timing }
  const events = {
    onReady: () => {},
    onSilenceChange: () => {},
    onGoAway: () => {},
    onRotationDue: () => {},
    onDown: () => {},
  }
  const seed = new Lane({
    ...common,
    frames: timing.frames ?? new FrameStream(streams.near),
    queue: timing.queue ?? seedQueue,
    toPeerChecker: toShoot,
    fromPeerChecker: toSeed,
    handler: { ...events, ...handler },
    joinStreams: joinStreams.seed,
  })
  const shoot = new Lane({
    ...common,
    frames: new FrameStream(streams.far),
    queue: shootTun.device.openQueue(),
    toPeerChecker: toSeed,
    fromPeerChecker: toShoot,
    handler: events,
    joinStreams: joinStreams.shoot,
  })
  seed.open()
  shoot.open()
  return { seed, shoot, seedTun, shootTun, seedQueue }
}
