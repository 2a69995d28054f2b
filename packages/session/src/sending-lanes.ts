import type { QueueSet } from '@reversed-vpn/node-tun'
import type { SteeredLane } from './lane/flow-steering.js'
import { silentAfterMs } from './lane/keepalive.js'
import type { Lane } from './lane/lane.js'
import type { PacketRedirector } from './lane/packet-framer.js'
import type { SessionLanes } from './session-lanes.js'

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

  constructor(options: SendingLanesOptions) {
    this.#options = options
  }

  /** Lets `redirect` take packets out of what the lanes read, also those that come later; undefined: none. */
  setRedirector(redirect: PacketRedirector | undefined): void {
    this.#redirect = redirect
    for (const lane of this.#options.lanes.all()) lane.setRedirector(redirect)
  }

  /** To be called with every lane that comes. */
  prepare(lane: Lane): void {
    lane.setRedirector(this.#redirect)
  }

  /**
   * Has exactly the lanes send that are ready, but not those that are silent while the peer answers on others.
   * @returns false if that may change without a word, so try again: none of them is known to live, and queues of
   *   lanes that are gone were left as they are; or it is open whether one is silent, or the peer on all
   * @throws SyscallError when the interface is gone
   */
  start(): boolean {
    const { lanes, queues } = this.#options
    const candidates = lanes.ready()
    const ready = candidates.filter((lane) => !isOutlived(lane, candidates))
    const indexes = new Set(ready.map(({ index }) => index))
    const responsive = ready.find((lane) => this.#isResponsive(lane))
    queues.setAttached(indexes, responsive && ((payload) => this.#requeue(payload, responsive)))
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
    if (this.#redirect?.(payload, 0, payload.length) !== true) lane.sendPayload(payload)
  }

  #steer(steered: readonly SteeredLane[]): void {
    for (const lane of this.#options.lanes.all()) lane.steer(steered)
  }
}

/**
 * Whether the peer has answered on another lane since it fell silent on this one. Before that it may be dead as a
 * whole, and packets are better left in the queue than sent on a lane that only has not fallen silent yet.
 */
function isOutlived({ silentSinceMs = Number.POSITIVE_INFINITY }: Lane, lanes: readonly Lane[]): boolean {
  return lanes.some(({ lastByteAtMs }) => lastByteAtMs > silentSinceMs)
}
