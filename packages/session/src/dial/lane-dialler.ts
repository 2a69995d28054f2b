import { setTimeout as wait } from 'node:timers/promises'
import { untilSettled } from '@reversed-vpn/relay'
import { DialError, toDialError } from '@reversed-vpn/secure'
import type { Lane } from '../lane/lane.js'
import { Backoff, type BackoffOptions } from './backoff.js'

interface LaneDiallerOptions {
  readonly backoff: BackoffOptions
  /** Settles when a connection for that slot is wanted. */
  readonly untilWanted: (slot: number, signal: AbortSignal) => Promise<void>
  /** Dials, and makes the connection a lane. `held` is the slot's previous lane if it is still up. */
  readonly bringUp: (slot: number, signal: AbortSignal, held: Lane | undefined) => Promise<Lane>
  /** An attempt failed; the next follows after `waitMs`. */
  readonly onFailed: (slot: number, error: DialError, waitMs: number) => void
  /** How long one attempt may take, from name resolution to the lane. @default 15000 */
  readonly attemptTimeoutMs?: number
}

const ATTEMPT_TIMEOUT_MS = 15_000

/** A lane that was up for this long counts as stable: waits begin with the shortest again. */
const STABLE_AFTER_MS = 5_000

/**
 * Keeps lanes up for the side that dials, whichever it is. Each lane has a slot with a loop of its own:
 *
 *            ┌───────── wait (full jitter) ◀─────────┐ failed, or to be replaced before it was stable
 *            ▼                                        │
 *     until wanted ──▶ dial ──▶ HELLO, WELCOME ──▶ up ┤ lost
 *            ▲                                        │
 *            └── the old lane sends meanwhile ◀───────┘ to be replaced
 *
 * So a peer that has every lane replaced at once is not dialled more often than one that refuses.
 */
export class LaneDialler {
  readonly #options: LaneDiallerOptions
  readonly #stopping = new AbortController()
  readonly #loops: Promise<void>[] = []
  /** Those in progress. */
  readonly #attempts = new Set<AbortController>()

  constructor(options: LaneDiallerOptions) {
    this.#options = options
  }

  /** Keeps at least that many slots from now on, and never gives one up until {@link stop}. */
  keep(slots: number): void {
    while (this.#loops.length < slots) this.#loops.push(this.#keepSlot(this.#loops.length))
  }

  /** Gives up the attempts in progress, which use old certificates. Each slot dials again after a wait. */
  dialAnew(): void {
    const reason = new DialError('closed', 'given up, since the certificates have changed')
    for (const attempt of this.#attempts) attempt.abort(reason)
  }

  /** Dials no more; lanes that are up stay. Settles when no attempt is in progress. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopping'))
    await Promise.all(this.#loops)
  }

  async #keepSlot(slot: number): Promise<void> {
    const { signal } = this.#stopping
    const { backoff: waits, untilWanted, bringUp, onFailed } = this.#options
    const { attemptTimeoutMs = ATTEMPT_TIMEOUT_MS } = this.#options
    const backoff = new Backoff(waits)
    let lane: Lane | undefined
    while (!signal.aborted) {
      try {
        await untilWanted(slot, signal)
        const held = lane?.isDown === false ? lane : undefined
        lane = await this.#attempt(attemptTimeoutMs, (attempt) => bringUp(slot, attempt, held))
        await unlessAborted(lane.leaving, signal)
        const isStable = lane.ageMs >= STABLE_AFTER_MS
        if (isStable) backoff.reset()
        if (lane.isDown || !isStable) await wait(backoff.nextMs(), undefined, { signal })
      } catch (error) {
        if (signal.aborted) return
        const waitMs = backoff.nextMs()
        onFailed(slot, toDialError(error, 'handshake'), waitMs)
        await wait(waitMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  /**
   * Runs `work` with a signal that fires when dialling stops or begins anew, or after `timeoutMs` with a
   * DialError `timeout`. Not `AbortSignal.any` with `AbortSignal.timeout`: on Node 20 nothing holds that
   * timer, and after a garbage collection it never fires.
   */
  async #attempt<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#stopping
    signal.throwIfAborted()
    const attempt = new AbortController()
    const onAbort = () => attempt.abort(signal.reason)
    const onTimeout = () => attempt.abort(new DialError('timeout', `not up within ${timeoutMs} ms`))
    const timer = setTimeout(onTimeout, timeoutMs)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#attempts.add(attempt)
    try {
      return await work(attempt.signal)
    } finally {
      this.#attempts.delete(attempt)
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** What the promise comes to, or the signal's reason when it fires first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return untilSettled(signal, (resolve, reject) => {
    promise.then(resolve, reject)
    return () => {}
  })
}
