import type { ShootNetworks } from '@reversed-vpn/ip'
import { transferAddressOf } from '@reversed-vpn/ip'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun, type FakeTun } from '@reversed-vpn/node-tun/testing'
import type { ControlMessage } from '@reversed-vpn/protocol'
import {
  createSessionKeys,
  FrameStream,
  type Lane,
  Session,
  type SessionOptions,
  TrafficTotals,
} from '@reversed-vpn/session'
import { memoryPair, type StreamPair } from './fixtures.js'

type JoinStreams = NonNullable<Parameters<Session['addLane']>[2]>['joinStreams']

const NETWORKS: ShootNetworks = { pod: ['100.96.0.0/11'], service: [], node: [] }

/** The other end of a lane: notes what it is told, and answers PINGs while `answers`. */
class FarEnd {
  readonly frames: FrameStream
  readonly told: ControlMessage[] = []
  packets = 0
  isClosed = false

  constructor(streams: StreamPair, answers: boolean) {
    this.frames = new FrameStream(streams.far)
    this.frames.setHandler({
      onControl: (message) => {
        this.told.push(message)
        if (answers && message.type === 'PING') this.frames.sendControl({ type: 'PONG', id: message.id })
      },
      onData: () => this.packets++,
      onStreamFrame: () => {},
      onChunkEnd: () => {},
      onClose: () => {
        this.isClosed = true
        this.frames.end()
      },
    })
  }

  /** Whether a message of that kind came. */
  was(type: ControlMessage['type']): ControlMessage | undefined {
    return this.told.find((message) => message.type === type)
  }
}

/** A session of the seed side over a fake TUN. */
export interface SessionRig extends AsyncDisposable {
  readonly session: Session
  /** What its owner was told, in order. */
  readonly log: string[]
  readonly tun: FakeTun
  readonly queues: QueueSet
  readonly totals: TrafficTotals
}

/** @param after a session whose TUN this one gets */
export function openSession(overrides: Partial<SessionOptions> = {}, after?: SessionRig): SessionRig {
  const log: string[] = []
  const tun = after?.tun ?? createFakeTun()
  const queues = after?.queues ?? new QueueSet(tun.device)
  const totals = new TrafficTotals()
  const session = new Session({
    ...createSessionKeys(),
    peer: { name: 'vpn-shoot-client', instance: '1'.repeat(32), remoteAddress: '192.0.2.1' },
    queues,
    totals,
    policy: {
      side: 'seed',
      networks: NETWORKS,
      seedAddresses: [transferAddressOf('192.168.123.0/24', 'seed')],
      mtu: 1500,
      ownOffloads: ['checksum'],
      peerOffloads: ['checksum'],
    },
    lanesWanted: 2,
    keepaliveMs: 60_000,
    deadAfterMs: 180_000,
    isReadyOnOpen: false,
    handler: {
      onLaneReady: (lane) => log.push(`lane ${lane.index} ready`),
      onGoAway: (reason) => log.push(`go away: ${reason}`),
      onLaneDown: (lane, { error, isReplaced }) =>
        log.push(`lane ${lane.index} ${isReplaced ? 'replaced' : 'down'}: ${error?.message ?? 'in order'}`),
      onClosed: (error) => log.push(`closed: ${error?.message ?? 'in order'}`),
    },
    ...overrides,
  })
  return {
    session,
    log,
    tun,
    queues,
    totals,
    [Symbol.asyncDispose]: () => session.close('going-away', 'test over'),
  }
}

/** Adds a lane whose other end answers, or is silent. */
export function addLane(
  session: Session,
  index: number,
  {
    answers = true,
    replaces,
    joinStreams,
  }: { readonly answers?: boolean; readonly replaces?: Lane; readonly joinStreams?: JoinStreams } = {},
): { lane: Lane; far: FarEnd; streams: StreamPair } {
  const streams = memoryPair()
  const far = new FarEnd(streams, answers)
  const lane = session.addLane(index, new FrameStream(streams.near), { predecessor: replaces, joinStreams })
  return { lane, far, streams }
}
