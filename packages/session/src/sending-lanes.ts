import type { QueueSet } from '@reversed-vpn/node-tun'
import { TunnelError } from '@reversed-vpn/protocol'
import type { SteeredLane } from './lane/flow-steering.js'
import { silentAfterMs } from './lane/keepalive.js'
import type { Lane } from './lane/lane.js'
import type { PacketAdmitter } from './lane/lane-receiver.js'
import type { PacketRedirector } from './lane/packet-framer.js'
import type { SessionLanes } from './session-lanes.js'

/** What a session does for others that use the device at the same time. */
export interface DeviceSharing {
  /** Takes packets of other sessions out of what this one's lanes read, and sends them there. */
  readonly redirect: PacketRedirector
  readonly admit: PacketAdmitter
  /** Whether a peer of another session answers. Then nothing waits for this session's peer while that is silent. */
  readonly isOtherUp: () => boolean
}

interface SendingLanesOptions {
  readonly lanes: SessionLanes
  readonly queues: QueueSet
  readonly keepaliveMs: number
  readonly deadAfterMs: number
}

/**
 * Who sends: attaches the queues of the lanes that do, has flows steered among them, and sends what waited in
 * the queue of a lane that is gone over another one.
 */
export class SendingLanes {
  readonly #options: SendingLanesOptions
  #redirect: PacketRedirector | undefined
  #sharing: DeviceSharing | undefined

  constructor(options: SendingLanesOptions) {
    this.#options = options
  }

  /** Lets `redirect` take packets out of what the lanes read, also those that come later; undefined: none. */
  setRedirector(redirect: PacketRedirector | undefined): void {
    this.#redirect = redirect
    for (const lane of this.#options.lanes.all()) lane.setRedirector(redirect)
  }

  /** Shares the device with other sessions from now on; undefined: has it alone. */
  setSharing(sharing: DeviceSharing | undefined): void {
    this.#sharing = sharing
    this.setRedirector(sharing?.redirect)
    for (const lane of this.#options.lanes.all()) lane.setAdmitter(sharing?.admit)
  }

  /** Whether the peer answers on a lane that is ready. */
  get isResponsive(): boolean {
    return this.#options.lanes.ready().some((lane) => this.#isResponsive(lane))
  }

  /** To be called with every lane that comes. */
  prepare(lane: Lane): void {
    lane.setRedirector(this.#redirect)
    lane.setAdmitter(this.#sharing?.admit)
  }

  /**
   * Has exactly the lanes send that are ready, but not those that are silent while the peer answers on others. Of these, lanes of
   * streams are cut, so that the streams move too.
   * @returns false if that may change without a word, so try again: none of them is known to live, and queues of
   *   lanes that are gone were left as they are; or it is open whether one is silent, or the peer on all
   * @throws SyscallError when the interface is gone
   */
  start(): boolean {
    const { lanes, queues } = this.#options
    const candidates = lanes.ready()
    const ready = candidates.filter((lane) => !isOutlived(lane, candidates))
    for (const lane of candidates) if (lane.carriesStreams && !ready.includes(lane)) lane.abort(givenUp())
    const indexes = new Set(ready.map(({ index }) => index))
    const responsive = ready.find((lane) => this.#isResponsive(lane))
    if (responsive !== undefined) queues.setAttached(indexes, (payload) => this.#requeue(payload, responsive))
    else if (this.#sharing?.isOtherUp()) queues.setAttached(new Set(), (payload) => this.#giveAway(payload))
    else queues.setAttached(indexes)
    this.#steer([...indexes].map((index) => ({ index, queue: queues.queue(index) })))
    for (const lane of ready) lane.startSending()
    const isOpen = ready.length > 1 && ready.some(({ silentSinceMs }) => silentSinceMs !== undefined)
    return (responsive !== undefined && !isOpen) || ready.length === 0
  }

  /** Has none of them send. The queues stay attached, and packets wait in them. */
  stop(): void {
    this.#steer([])
    for (const lane of this.#options.lanes.all()) lane.stopSending()
  }

  /** What is sent to a peer that did not answer lately may be lost. */
  #isResponsive(lane: Lane): boolean {
    return performance.now() - lane.lastByteAtMs < silentAfterMs(this.#options)
  }

  #requeue(payload: Buffer, lane: Lane): void {
    if (!this.#giveAway(payload)) lane.sendPayload(payload)
  }

  #giveAway(payload: Buffer): boolean {
    return this.#redirect?.(payload, 0, payload.length) === true
  }

  #steer(steered: readonly SteeredLane[]): void {
    for (const lane of this.#options.lanes.all()) lane.steer(steered)
  }
}

/** Flows move to another lane when they like; streams do when theirs is gone. */
function givenUp(): TunnelError {
  return new TunnelError('ERR_PEER_DEAD', 'no answer on it while the peer answers on another lane')
}

/**
 * Whether the peer has answered on another lane since it fell silent on this one. Before that it may be dead as a
 * whole, and packets are better left in the queue than sent on a lane that only has not fallen silent yet.
 */
function isOutlived({ silentSinceMs = Number.POSITIVE_INFINITY }: Lane, lanes: readonly Lane[]): boolean {
  return lanes.some(({ lastByteAtMs }) => lastByteAtMs > silentSinceMs)
}
