import type { TunQueue } from '@reversed-vpn/node-tun'
import type { CloseCode, GoawayReason } from '@reversed-vpn/protocol'
import type { SteeredLane } from '../lane/flow-steering.js'
import type { FlowTable } from '../lane/flow-table.js'
import type { LaneCounters } from '../lane/lane-counters.js'
import type { PacketDiverter } from '../lane/lane-sender.js'
import type { LaneHandler, SessionLane } from '../lane/session-lane.js'
import type { TrafficCheckers } from '../traffic-policy.js'
import type { LaneMemory } from './lane-memory.js'
import type { ConnectionOrder, GivenQueue, LaneCall, LaneReport, LaneSetting } from './messages.js'
import { unpackError } from './transferred-error.js'

export interface RemoteLaneParts {
  readonly setting: LaneSetting
  /** Stays this thread's: the lane's thread reads and writes the same queue by a descriptor of its own. */
  readonly queue: TunQueue
  readonly checkers: TrafficCheckers
  readonly flows: FlowTable
  readonly handler: LaneHandler
}

export interface RemoteLaneOptions extends RemoteLaneParts {
  readonly thread: number
  readonly memory: LaneMemory
  readonly send: (order: ConnectionOrder, transfer?: readonly ArrayBuffer[]) => void
}

/** A lane whose packets are carried on another thread. */
export class RemoteLane implements SessionLane {
  readonly index: number
  readonly thread: number
  readonly openedAtMs = Date.now()
  readonly leaving: Promise<void>
  /** Duplicate that the thread was given. */
  readonly queueDescriptor: number

  readonly #options: RemoteLaneOptions
  readonly #unfollow: () => void
  readonly #done: Promise<void>
  /** Lanes whose queues the thread has. */
  readonly #known = new Set<number>()
  #resolveLeaving: () => void = () => {}
  #resolveDone: () => void = () => {}
  #divert: PacketDiverter | undefined
  #isDown = false
  #isReplacementWanted = false

  constructor(options: RemoteLaneOptions) {
    const { setting, queue, checkers, flows, send } = options
    this.#options = options
    this.index = setting.index
    this.thread = options.thread
    this.leaving = new Promise((resolve) => {
      this.#resolveLeaving = resolve
    })
    this.#done = new Promise((resolve) => {
      this.#resolveDone = resolve
    })
    this.queueDescriptor = queue.duplicate()
    this.#known.add(setting.index)
    send({
      do: 'become-lane',
      setting,
      policy: checkers.policy,
      queueDescriptor: this.queueDescriptor,
      flows: flows.memory,
    })
    this.#unfollow = checkers.follow((networks) => send({ do: 'set-networks', networks }))
  }

  get counters(): LaneCounters {
    return this.#options.memory.readCounters()
  }

  get rttMs(): number | undefined {
    const { rttMs } = this.#options.memory
    return rttMs === 0 ? undefined : rttMs
  }

  get lastByteAtMs(): number {
    return this.#options.memory.lastByteAtEpochMs - performance.timeOrigin
  }

  get backlogBytes(): number {
    return this.#isDown ? 0 : this.#options.memory.backlogBytes
  }

  get isDown(): boolean {
    return this.#isDown
  }

  get isReplacementWanted(): boolean {
    return this.#isReplacementWanted
  }

  open(): void {
    this.#call(['open'])
  }

  startSending(): void {
    this.#call(['startSending'])
  }

  stopSending(): void {
    this.#call(['stopSending'])
  }

  steer(lanes: readonly SteeredLane[]): void {
    if (this.#isDown) return
    const queues: GivenQueue[] = []
    try {
      for (const { index, queue } of lanes) {
        if (this.#known.has(index)) continue
        queues.push({ index, descriptor: queue.duplicate() })
        this.#known.add(index)
      }
    } catch (error) {
      this.abort(error as Error)
    }
    this.#options.send({ do: 'steer', lanes: lanes.map(({ index }) => index), queues })
  }

  setDiverter(divert: PacketDiverter | undefined): void {
    if (this.#divert === undefined && divert === undefined) return
    this.#divert = divert
    if (!this.#isDown) this.#options.send({ do: 'set-asking', isAsking: divert !== undefined })
  }

  sendPayload(payload: Uint8Array): void {
    this.#call(['sendPayload', Uint8Array.from(payload)])
  }

  askForReplacement(): void {
    this.#call(['askForReplacement'])
  }

  sendGoAway(reason: GoawayReason, laneOnly: boolean): void {
    this.#call(['sendGoAway', reason, laneOnly])
  }

  close(code: CloseCode, reason: string): Promise<void> {
    this.#call(['close', code, reason])
    return this.#done
  }

  abort(error?: Error): void {
    if (this.#isDown) return
    this.#options.send({ do: 'abort' })
    this.#onDown(error)
  }

  /** Takes what the lane's thread tells. */
  onReport(report: LaneReport): void {
    if (this.#isDown) return
    const { handler } = this.#options
    switch (report.is) {
      case 'ready':
        handler.onReady(this)
        return
      case 'goaway':
        if (report.laneOnly) this.#wantReplacement()
        handler.onGoAway(this, report.reason, report.laneOnly)
        return
      case 'rotation-due':
        this.#wantReplacement()
        handler.onRotationDue(this, report.reason)
        return
      case 'down':
        this.#onDown(report.error === undefined ? undefined : unpackError(report.error))
        return
      case 'packets':
        this.#answer(report.packets, report.askedBytes)
        return
      default:
        report satisfies never
    }
  }

  /** The thread, or the connection, is gone without a word. */
  onGone(error: Error | undefined): void {
    if (!this.#isDown) this.#onDown(error)
  }

  #call(call: LaneCall): void {
    if (!this.#isDown) this.#options.send({ do: 'call', call })
  }

  /** What another session carries goes there; the rest goes back. */
  #answer(packets: readonly Uint8Array[], askedBytes: number): void {
    const kept = packets.filter((packet) => {
      const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)
      return this.#divert?.(bytes, 0, bytes.length) !== true
    })
    this.#options.send({ do: 'send-asked', packets: kept, askedBytes })
  }

  #wantReplacement(): void {
    this.#isReplacementWanted = true
    this.#resolveLeaving()
  }

  #onDown(error: Error | undefined): void {
    this.#isDown = true
    this.#unfollow()
    this.#resolveLeaving()
    this.#options.handler.onDown(this, error)
    this.#resolveDone()
  }
}
