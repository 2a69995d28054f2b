import type { TcpInfo } from '@reversed-vpn/node-tun/socket'
import { PREFERRED_CONGESTION, SLOW_START_CONGESTION } from '../congestion.js'
import { checkLegal, type Legal } from '../state.js'
import type { SendingPath } from './sending-path.js'

/** The kernel is asked again after so many bytes, and a round trip or MIN_LOOK_MS if that is longer. */
const LOOK_BYTES = 262_144
const MIN_LOOK_MS = 20

/** Instead, during slow start: a connection that sends little also gets BBR soon after a loss. */
const SLOW_START_LOOK_BYTES = 16_384

/** More round trips since the last look: sending has paused, and the rate cannot be measured. */
const MAX_LOOK_ROUND_TRIPS = 4

/** Pacing gain: BBR has 2.89 in STARTUP, 0 before, and at most 1.25 after. */
const STARTUP_GAIN = 2.5

/** A queue stands if round trips take so much longer than the shortest: other traffic notices that. */
const QUEUE_US = 8_000
const QUEUE_SHARE_OF_ROUND_TRIP = 0.25
/** At so many looks in a row. The second measures the rate at which the queue drains: the path's. */
const QUEUE_LOOKS = 2

/** Bytes a second. A connection that sends less fills no queue. */
const MIN_RATE = 125_000

/** Share of the path's rate. The queue moves from the path to this end, and the path never runs dry. */
const HELD_SHARE = 0.85
/** BBR needs three round trips without growth, after one in which the queue drains. Then give up. */
const MAX_HELD_MS = 2_000
const MAX_HELD_ROUND_TRIPS = 20
/** Wait after an attempt that failed. */
const RETRY_PAUSE_MS = 10_000

type StartupState = 'slow-start' | 'watching' | 'holding' | 'done'

const LEGAL: Legal<StartupState> = {
  'slow-start': ['watching', 'done'],
  watching: ['holding', 'done'],
  holding: ['watching', 'done'],
  done: [],
}

/**
 * Switches a connection that began with another congestion control (`setFirstCongestion`) to BBR when its
 * slow start has ended. BBR spreads what it sends over the round trip, at the rate it has measured.
 * Connections inside the tunnel that are in slow start double what they send each round trip, see the delay
 * that this causes, and take it for a full path (HyStart of CUBIC).
 *
 * Then it ends STARTUP, in which BBR sends almost three times as fast as the path has delivered. BBR stays
 * there while the connections inside are what limits it, and they fill the queue of the slowest link as soon
 * as they may: all traffic waits in that queue, that of other lanes too. Paced a little below the path's rate
 * for some round trips, the queue stands at this end instead. BBR measures the path, leaves STARTUP, and
 * keeps queues short from then on, for as long as the connection lives.
 *
 *     slow-start ── a loss, a growing round trip, a queue stands ──▶ watching, with BBR
 *         └──────── the kernel refuses BBR ────────────────────────▶ done
 *
 *     watching ── a queue stands, in STARTUP ──▶ holding ── STARTUP left ──▶ done
 *         ▲ └──── STARTUP left, no BBR ─────────────│──────────────────────▶ ▲
 *         └─────── held too long ───────────────────┘
 *
 * Driven by what is sent, without a timer. The next look, at most `LOOK_BYTES` later, judges a limit.
 */
export class StartupWatch {
  readonly #path: SendingPath
  #state: StartupState
  #bytes = 0
  #lookedAtMs = 0
  #nextLookMs = 0
  #ackedBytes = 0
  #queueLooks = 0
  #holdingSinceMs = 0
  #notBeforeMs = 0

  /** @param congestion what the connection is to have; undefined stands for the kernel's default */
  constructor(path: SendingPath, congestion: string | undefined) {
    this.#path = path
    const isFirst = congestion === PREFERRED_CONGESTION && path.readCongestion() === SLOW_START_CONGESTION
    this.#state = isFirst ? 'slow-start' : 'watching'
  }

  /** Takes note of what went to the connection. @param nowMs of `performance.now()` */
  onSent(bytes: number, nowMs: number): void {
    if (this.#state === 'done') return
    this.#bytes += bytes
    const lookBytes = this.#state === 'slow-start' ? SLOW_START_LOOK_BYTES : LOOK_BYTES
    if (this.#bytes < lookBytes || nowMs < this.#nextLookMs) return
    const info = this.#path.readInfo()
    if (info === undefined) return
    if (this.#state === 'slow-start') this.#endSlowStart(info, nowMs)
    else if (!this.#isInStartup()) this.#finish()
    else if (this.#state === 'watching') this.#watch(info, nowMs)
    else this.#judge(info, nowMs)
    this.#bytes = 0
    this.#lookedAtMs = nowMs
    this.#nextLookMs = nowMs + Math.max(MIN_LOOK_MS, info.roundTripUs / 1000)
    this.#ackedBytes = info.ackedBytes
  }

  #isInStartup(): boolean {
    const gain = this.#path.readBbrPacingGain()
    return gain === 0 || (gain !== undefined && gain >= STARTUP_GAIN)
  }

  #endSlowStart(info: TcpInfo, nowMs: number): void {
    if (info.isInSlowStart && !this.#isQueueStanding(info, nowMs)) return
    this.#enter(this.#path.setCongestion(PREFERRED_CONGESTION) ? 'watching' : 'done')
    this.#queueLooks = 0
  }

  #watch(info: TcpInfo, nowMs: number): void {
    const rate = (1000 * (info.ackedBytes - this.#ackedBytes)) / (nowMs - this.#lookedAtMs)
    if (!this.#isQueueStanding(info, nowMs) || rate < MIN_RATE || nowMs < this.#notBeforeMs) return
    this.#enter('holding')
    this.#holdingSinceMs = nowMs
    this.#path.setMaxRate(Math.round(HELD_SHARE * rate))
  }

  #isQueueStanding({ roundTripUs, minRoundTripUs }: TcpInfo, nowMs: number): boolean {
    const queueUs = roundTripUs - minRoundTripUs
    const isQueue = queueUs >= Math.max(QUEUE_US, QUEUE_SHARE_OF_ROUND_TRIP * minRoundTripUs)
    const isSteady = nowMs - this.#lookedAtMs <= (MAX_LOOK_ROUND_TRIPS * roundTripUs) / 1000
    this.#queueLooks = isQueue && isSteady ? this.#queueLooks + 1 : 0
    return this.#queueLooks >= QUEUE_LOOKS
  }

  #judge({ roundTripUs }: TcpInfo, nowMs: number): void {
    const heldMs = nowMs - this.#holdingSinceMs
    if (heldMs < Math.max(MAX_HELD_MS, (MAX_HELD_ROUND_TRIPS * roundTripUs) / 1000)) return
    this.#path.setMaxRate(undefined)
    this.#enter('watching')
    this.#queueLooks = 0
    this.#notBeforeMs = nowMs + RETRY_PAUSE_MS
  }

  #finish(): void {
    if (this.#state === 'holding') this.#path.setMaxRate(undefined)
    this.#enter('done')
  }

  #enter(next: StartupState): void {
    checkLegal('start-up watch', LEGAL, this.#state, next)
    this.#state = next
  }
}
