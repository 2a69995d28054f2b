import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  getBbrPacingGain,
  getTcpCongestion,
  getTcpInfo,
  setMaxPacingRate,
  socketDescriptor,
  type TcpInfo,
} from '@reversed-vpn/node-tun/socket'
import { PREFERRED_CONGESTION, SLOW_START_CONGESTION, trySetCongestion } from '../congestion.js'
import { checkLegal, type Legal } from '../state.js'

/** What is asked and told of the connection below a lane. */
export interface SendingPath {
  /** Undefined when the connection is closed or not the kernel's. */
  readInfo(): TcpInfo | undefined
  /** As {@link getBbrPacingGain}. */
  readBbrPacingGain(): number | undefined
  /** As {@link getTcpCongestion}. */
  readCongestion(): string | undefined
  /** Whether it was set: the kernel may refuse it. */
  setCongestion(name: string): boolean
  /** As {@link setMaxPacingRate}. */
  setMaxRate(bytesPerSecond: number | undefined): void
}

/** Between two looks at the kernel so much is sent, and so much time or a round trip passes, whichever is longer. */
const LOOK_BYTES = 262_144
const MIN_LOOK_MS = 20

/** While a connection is in slow start: one that sends little should have BBR soon after a loss, too. */
const SLOW_START_LOOK_BYTES = 16_384

/** Where a look comes so many round trips after the last, there was a pause, and what was sent meanwhile tells no rate. */
const MAX_LOOK_ROUND_TRIPS = 4

/** BBR has 2.89 in its STARTUP, 0 before, and at most 1.25 ever after. */
const STARTUP_GAIN = 2.5

/** What a round trip takes longer than the shortest did, for a queue that is worth a remedy: others notice it. */
const QUEUE_US = 8_000
const QUEUE_SHARE_OF_ROUND_TRIP = 0.25
/** So many looks in a row. The second measures the rate at which a queue that stands is emptied: that of the way. */
const QUEUE_LOOKS = 2

/** Bytes a second: whoever sends less fills no queue. */
const MIN_RATE = 125_000

/** As much as the kernel takes as a limit, of 31 bits here: 17 Gbit/s. */
const MAX_RATE = 2 ** 31 - 1

/** Slower than the way, so that the queue moves from the way to this end, and as much as the way carries is always waiting. */
const HELD_SHARE = 0.85
/** BBR needs three round trips without growth, after one in which the queue has left. If it takes longer, something else is wrong. */
const MAX_HELD_MS = 2_000
const MAX_HELD_ROUND_TRIPS = 20
/** Until the next attempt after one that was in vain. */
const VAIN_PAUSE_MS = 10_000

type StartupState = 'slow-start' | 'watching' | 'holding' | 'done'

const LEGAL: Legal<StartupState> = {
  'slow-start': ['watching', 'done'],
  watching: ['holding', 'done'],
  holding: ['watching', 'done'],
  done: [],
}

/**
 * Gives a connection BBR when its slow start has ended, where it began with another congestion control (`setFirstCongestion`): BBR
 * spreads what it sends over the round trip, as fast as it has seen the way to be. Connections inside that are in slow start send twice
 * as much each round trip, find themselves delayed, and take that for the end of the way (HyStart of CUBIC).
 *
 * Then shows BBR the end of its STARTUP, in which it sends almost three times as fast as it has seen the way to be. It stays there as long
 * as the connections inside are what limits it, and they fill the queue of the slowest link as soon as they may: everyone waits in it,
 * those on other lanes too. Sent a little slower than the way for some round trips, the queue stands here instead; BBR measures the way,
 * leaves STARTUP, and keeps queues short by itself from then on, for as long as the connection lives.
 *
 *     slow start ── a loss, a growing round trip, a queue stands ──▶ watching, with BBR
 *         └──────── the kernel does not give BBR ──────────────────▶ done
 *
 *     watching ── a queue stands, in STARTUP ──▶ holding ── STARTUP left ──▶ done
 *         ▲ └──── STARTUP left, no BBR ─────────────│──────────────────────▶ ▲
 *         └─────── held in vain, after a pause ─────┘
 *
 * Driven by what is sent, without a timer. A limit can not stay: with the next look, at most `LOOK_BYTES` later, it is judged.
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

  /** @param congestion the congestion control that the connection is to have; undefined stands for the kernel's default */
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
    this.#notBeforeMs = nowMs + VAIN_PAUSE_MS
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

/** The path below a stream: of one that is no socket, nothing is known. */
export function sendingPathOf(stream: Duplex): SendingPath {
  const descriptor = () => (stream instanceof Socket ? socketDescriptor(stream) : undefined)
  return {
    readInfo() {
      const fd = descriptor()
      return fd === undefined ? undefined : getTcpInfo(fd)
    },
    readBbrPacingGain() {
      const fd = descriptor()
      return fd === undefined ? undefined : getBbrPacingGain(fd)
    },
    readCongestion() {
      const fd = descriptor()
      return fd === undefined ? undefined : getTcpCongestion(fd)
    },
    setCongestion(name) {
      const fd = descriptor()
      return fd !== undefined && trySetCongestion(fd, name)
    },
    setMaxRate(bytesPerSecond) {
      const fd = descriptor()
      if (fd !== undefined)
        setMaxPacingRate(fd, bytesPerSecond === undefined ? undefined : Math.min(bytesPerSecond, MAX_RATE))
    },
  }
}
