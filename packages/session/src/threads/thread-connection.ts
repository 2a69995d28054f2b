import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { adoptTunQueue, type TunQueue } from '@reversed-vpn/node-tun'
import type { DialledPeer } from '../dial/dial-tunnel.js'
import { FrameStream } from '../frame-stream.js'
import { FlowTable } from '../lane/flow-table.js'
import { Lane } from '../lane/lane.js'
import type { RefusalReason } from '../listen/refusal-reason.js'
import type { ProvenPeer, TlsDoor } from '../listen/tls-door.js'
import { TrafficCheckers } from '../traffic-policy.js'
import { AskingDiverter } from './asking-diverter.js'
import { LaneMemory } from './lane-memory.js'
import type { ConnectionOrder, ConnectionReport, LaneCall } from './messages.js'
import { packError } from './transferred-error.js'

type Report = (report: ConnectionReport) => void

/** A connection on this thread, of which the main thread has the `RemoteConnection`. */
export class ThreadConnection {
  readonly #socket: Socket
  readonly #memory: LaneMemory
  readonly #report: Report
  readonly #aborting = new AbortController()
  #frames: FrameStream | undefined
  #lane: Lane | undefined
  #checkers: TrafficCheckers | undefined
  #asking: AskingDiverter | undefined
  /** Of the lane and, to write to, of those it is steered to; by lane. */
  readonly #queues = new Map<number, TunQueue>()

  /** Takes over a connection. @returns undefined, and has reported why, where there is none any more */
  static open(descriptor: number, shared: SharedArrayBuffer, report: Report): ThreadConnection | undefined {
    const memory = new LaneMemory(shared)
    // The main thread has taken it back: it believes this thread to be gone.
    if (!memory.claim('connection')) return undefined
    try {
      return new ThreadConnection(
        new Socket({ fd: descriptor, readable: true, writable: true }),
        memory,
        report,
      )
    } catch (error) {
      report({ is: 'failed', error: packError(error) })
      report({ is: 'gone' })
      return undefined
    }
  }

  private constructor(socket: Socket, memory: LaneMemory, report: Report) {
    this.#socket = socket
    this.#memory = memory
    this.#report = report
    // Without a listener an error before anyone has taken over would end the thread.
    socket.on('error', () => {})
    socket.once('close', () => this.#onSocketClosed())
  }

  /** Has these bytes read before those of the descriptor. */
  putBack(bytes: Uint8Array): void {
    this.#socket.unshift(bytes)
  }

  accept(door: TlsDoor<ThreadConnection> | undefined): void {
    if (door === undefined) this.#socket.destroy()
    else door.take(this.#socket, this)
  }

  async dial(secure: (socket: Socket, signal: AbortSignal) => Promise<DialledPeer>): Promise<void> {
    try {
      const { socket, name, fingerprint } = await secure(this.#socket, this.#aborting.signal)
      this.onProven(socket, { name, fingerprint })
    } catch (error) {
      this.#report({ is: 'failed', error: packError(error) })
    }
  }

  onProven(socket: TLSSocket, peer: ProvenPeer): void {
    this.#frames = new FrameStream(socket)
    this.#report({ is: 'proven', peer })
  }

  onRefused(reason: RefusalReason, detail: string): void {
    this.#report({ is: 'refused', reason, detail })
  }

  /** Does what the main thread says. */
  onOrder(order: ConnectionOrder): void {
    switch (order.do) {
      case 'say':
        this.#frames?.sendControl(order.message)
        return
      case 'hear':
        void this.#hear()
        return
      case 'end':
        this.#frames?.end()
        return
      case 'abort':
        this.#abort()
        return
      case 'become-lane':
        this.#becomeLane(order)
        return
      case 'call':
        this.#call(order.call)
        return
      case 'steer':
        this.#steer(order)
        return
      case 'set-networks':
        this.#checkers?.setNetworks(order.networks)
        return
      case 'set-asking':
        this.#lane?.setDiverter(order.isAsking ? this.#asking?.divert : undefined)
        return
      case 'send-asked':
        this.#asking?.onAnswer(order.packets, order.askedBytes)
        return
      default:
        order satisfies never
    }
  }

  /** Writes down what is not counted: for whoever reads it on the main thread. */
  publishState(): void {
    const lane = this.#lane
    if (lane === undefined || lane.isDown) return
    this.#memory.setState(performance.timeOrigin + lane.lastByteAtMs, lane.backlogBytes, lane.rttMs ?? 0)
  }

  /** TLS on it closes as well, and has to say why before. */
  #onSocketClosed(): void {
    const frames = this.#frames
    if (frames === undefined) this.#report({ is: 'gone' })
    else if (frames.stream.closed) void this.#reportGone(frames)
    else frames.stream.once('close', () => void this.#reportGone(frames))
  }

  /** What the peer said last may not have been asked for yet. */
  async #reportGone(frames: FrameStream): Promise<void> {
    if (this.#lane === undefined) await this.#hearRest(frames)
    this.#report({ is: 'gone' })
  }

  async #hearRest(frames: FrameStream): Promise<void> {
    const never = new AbortController().signal
    try {
      // Of a stream that is closed, this waits for nothing.
      for (;;) this.#report({ is: 'heard', message: await frames.nextControl(never) })
    } catch (error) {
      this.#report({ is: 'unheard', error: packError(error) })
    }
  }

  async #hear(): Promise<void> {
    try {
      if (this.#frames === undefined) throw new Error('nothing is heard before the peer is proven')
      this.#report({ is: 'heard', message: await this.#frames.nextControl(this.#aborting.signal) })
    } catch (error) {
      this.#report({ is: 'unheard', error: packError(error) })
    }
  }

  #abort(): void {
    this.#aborting.abort(new Error('given up'))
    this.#frames?.abort()
    this.#socket.destroy()
  }

  #becomeLane({
    setting,
    policy,
    queueDescriptor,
    flows,
  }: Extract<ConnectionOrder, { do: 'become-lane' }>): void {
    const frames = this.#frames
    if (frames === undefined || !this.#memory.claim('queue')) return
    const queue = adoptTunQueue(queueDescriptor)
    this.#queues.set(setting.index, queue)
    const checkers = new TrafficCheckers(policy)
    const lane = new Lane({
      ...setting,
      frames,
      queue,
      toPeerChecker: checkers.toPeer,
      fromPeerChecker: checkers.fromPeer,
      counters: this.#memory.createCounters(),
      flows: new FlowTable(flows),
      handler: {
        onReady: () => {
          this.publishState()
          this.#report({ is: 'ready' })
        },
        onGoAway: (_, reason, laneOnly) => this.#report({ is: 'goaway', reason, laneOnly }),
        onRotationDue: (_, reason) => this.#report({ is: 'rotation-due', reason }),
        onDown: (_, error) => {
          this.#closeQueues()
          this.#report({ is: 'down', error: error === undefined ? undefined : packError(error) })
        },
      },
    })
    this.#lane = lane
    this.#checkers = checkers
    this.#asking = new AskingDiverter({
      send: (packet) => lane.sendPayload(packet),
      ask: (packets, askedBytes) => this.#report({ is: 'packets', packets, askedBytes }),
    })
  }

  #steer({ lanes, queues }: Extract<ConnectionOrder, { do: 'steer' }>): void {
    for (const { index, descriptor } of queues) this.#queues.set(index, adoptTunQueue(descriptor))
    const lane = this.#lane
    if (lane === undefined || lane.isDown) {
      this.#closeQueues()
      return
    }
    lane.steer(
      lanes.flatMap((index) => {
        const queue = this.#queues.get(index)
        return queue === undefined ? [] : [{ index, queue }]
      }),
    )
  }

  #closeQueues(): void {
    for (const queue of this.#queues.values()) queue.close()
    this.#queues.clear()
  }

  #call(call: LaneCall): void {
    const lane = this.#lane
    if (lane === undefined) return
    const [method, ...args] = call
    // Each method takes what its call brings, which the types of an element of a union do not tell.
    void (lane[method] as (...args: unknown[]) => unknown).apply(lane, args)
  }
}
