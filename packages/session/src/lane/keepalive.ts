import type { FrameStream } from '../frame-stream.js'

export interface KeepaliveOptions {
  readonly frames: FrameStream
  /** Between two PINGs. */
  readonly keepaliveMs: number
  /** Without a byte from the peer for this long it counts as dead. */
  readonly deadAfterMs: number
  readonly onRoundTrip: (rttMs: number) => void
  /** Called with every PING: the moment to look after the lane. */
  readonly onTick: () => void
  /** Called once; the keepalive has stopped. */
  readonly onDead: (silentMs: number) => void
}

/** Asks the peer regularly for an answer, measures how long it takes, and notices when nothing comes any more. */
export class Keepalive {
  readonly #options: KeepaliveOptions
  #pingTimer: NodeJS.Timeout | undefined
  #deadTimer: NodeJS.Timeout | undefined
  #pingId = 0
  #pingSentAtMs = 0

  constructor(options: KeepaliveOptions) {
    this.#options = options
  }

  /** Sends the first PING at once. */
  start(): void {
    this.#ping()
    this.#pingTimer = setInterval(() => this.#tick(), this.#options.keepaliveMs)
    this.#armDeadTimer(this.#options.deadAfterMs)
  }

  stop(): void {
    clearInterval(this.#pingTimer)
    clearTimeout(this.#deadTimer)
  }

  /** Takes a PONG. One that answers no PING, or an older one, says nothing. */
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

  #armDeadTimer(ms: number): void {
    this.#deadTimer = setTimeout(() => this.#checkDead(), ms)
  }

  #checkDead(): void {
    const { frames, deadAfterMs, onDead } = this.#options
    const silentMs = performance.now() - frames.lastByteAtMs
    if (silentMs < deadAfterMs) {
      this.#armDeadTimer(Math.ceil(deadAfterMs - silentMs))
      return
    }
    this.stop()
    onDead(silentMs)
  }
}
