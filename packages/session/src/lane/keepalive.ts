import type { FrameStream } from '../frame-stream.js'
import { keepable } from '../timers.js'

interface KeepaliveOptions {
  readonly frames: FrameStream
  /** Between two PINGs. */
  readonly keepaliveMs: number
  /** Without a byte from the peer for this long it counts as dead. */
  readonly deadAfterMs: number
  readonly onRoundTrip: (rttMs: number) => void
  /** Called when an answer of the peer is overdue, and again while it is, until the peer counts as dead. */
  readonly onSilent: () => void
  /** Called with every PING: the moment to check the lane. */
  readonly onTick: () => void
  /** Called once; the keepalive has stopped. */
  readonly onDead: (silentMs: number) => void
}

/**
 * When a peer counts as silent: after this share of `deadAfterMs`, and not before this share of
 * `keepaliveMs`, since it was asked too lately then. TCP inside the tunnel doubles the time from a fault to
 * each retransmission. The first share leaves room for one between silence and death.
 */
const SILENT_SHARE_OF_DEAD = 0.4
const SILENT_SHARE_OF_KEEPALIVE = 1.3

/** After so long without a byte the peer is silent: from then on nothing is sent to it. */
export function silentAfterMs({
  keepaliveMs,
  deadAfterMs,
}: Pick<KeepaliveOptions, 'keepaliveMs' | 'deadAfterMs'>): number {
  return Math.max(SILENT_SHARE_OF_DEAD * deadAfterMs, SILENT_SHARE_OF_KEEPALIVE * keepaliveMs)
}

/** Sends PINGs, measures the round trip, and detects a silent and a dead peer. */
export class Keepalive {
  readonly #options: KeepaliveOptions
  readonly #silentAfterMs: number
  #pingTimer: NodeJS.Timeout | undefined
  #silenceTimer: NodeJS.Timeout | undefined
  #pingId = 0
  #pingSentAtMs = 0

  constructor(options: KeepaliveOptions) {
    this.#options = options
    this.#silentAfterMs = silentAfterMs(options)
  }

  /** Sends the first PING at once. */
  start(): void {
    this.#ping()
    this.#pingTimer = setInterval(() => this.#tick(), this.#options.keepaliveMs)
    this.#listen(this.#silentAfterMs)
  }

  stop(): void {
    clearInterval(this.#pingTimer)
    clearTimeout(this.#silenceTimer)
  }

  /** Takes a PONG. One that does not answer the last PING is ignored. */
  onPong(id: number): boolean {
    if (id !== this.#pingId || this.#pingSentAtMs === 0) return false
    this.#options.onRoundTrip(performance.now() - this.#pingSentAtMs)
    this.#pingSentAtMs = 0
    return true
  }

  #tick(): void {
    this.#ping()
    this.#options.onTick()
  }

  #ping(): void {
    this.#pingId = (this.#pingId + 1) >>> 0
    const isSent = this.#options.frames.sendControl({ type: 'PING', id: this.#pingId })
    this.#pingSentAtMs = isSent ? performance.now() : 0
  }

  #listen(ms: number): void {
    this.#silenceTimer = setTimeout(() => this.#judgeSilence(), keepable(Math.ceil(ms)))
  }

  #judgeSilence(): void {
    const { frames, deadAfterMs, onSilent, onDead } = this.#options
    const silentMs = performance.now() - frames.lastByteAtMs
    if (silentMs >= deadAfterMs) {
      this.stop()
      onDead(silentMs)
      return
    }
    const isSilent = silentMs >= this.#silentAfterMs
    if (isSilent) onSilent()
    this.#listen(isSilent ? deadAfterMs - silentMs : Math.min(this.#silentAfterMs, deadAfterMs) - silentMs)
  }
}
