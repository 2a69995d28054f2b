import { setTimeout as wait } from 'node:timers/promises'
import type { Knock } from '@reversed-vpn/egress-proxy'
import type { ShootNetworks } from '@reversed-vpn/ip'
import { judgeAnswer, type PacketCounts } from './judge-answer.js'
import type { ProbeTarget } from './probe-targets.js'
import { type ProbeResult, TargetState } from './target-state.js'

/** The sessions, as a probe sees them. */
interface Gate {
  readonly isUp: boolean
  readonly networks: ShootNetworks
  waitUntilUp(signal: AbortSignal): Promise<void>
}

interface ProberOptions {
  readonly targets: readonly ProbeTarget[]
  readonly gate: Gate
  readonly intervalMs: number
  readonly log: Record<'info' | 'warn', (fields: object, message: string) => void>
  readonly packets: () => PacketCounts
  /** @returns as `knock` of the egress proxy */
  readonly knock: (knock: Knock, signal: AbortSignal) => Promise<string>
  /** Each probe that ended while a session was up. */
  readonly onResult: (target: ProbeTarget, result: ProbeResult) => void
  /** A clock that only goes forward, in ms. @default `performance.now` */
  readonly now?: () => number
  /** @default of `node:timers/promises`, which keeps no process alive */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/**
 * Asks the shoot side for an answer again and again, through the kernels of both sides: healthy lanes say nothing of routes,
 * firewalls and conntrack before and behind them. Nothing depends on the answer but what is shown.
 */
export class Prober {
  readonly #options: ProberOptions
  readonly #states: ReadonlyMap<ProbeTarget, TargetState>
  readonly #closing = new AbortController()

  constructor(options: ProberOptions) {
    this.#options = options
    this.#states = new Map(options.targets.map((target) => [target, new TargetState()]))
  }

  /** What is known of each target. */
  get states(): ReadonlyMap<ProbeTarget, TargetState> {
    return this.#states
  }

  /** Probes until {@link close}: as soon as a session is up, and an interval after the last probe has ended. */
  async run(): Promise<void> {
    const { gate, intervalMs, pause = waitUnheld } = this.#options
    const { signal } = this.#closing
    try {
      while (!signal.aborted) {
        await gate.waitUntilUp(signal)
        // One after the other: the packets that are counted meanwhile are those of the probe, where nobody else sends.
        for (const [target, state] of this.#states) await this.#probe(target, state, signal)
        await pause(intervalMs, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Ends the probe under way. Idempotent. */
  close(): void {
    this.#closing.abort()
  }

  async #probe(target: ProbeTarget, state: TargetState, signal: AbortSignal): Promise<void> {
    const { gate, packets, knock, onResult, now = () => performance.now() } = this.#options
    const knocks = target.knocks(gate.networks)
    // Another one after each failure, and the same one as long as it answers.
    const chosen = knocks[state.failuresInAll % knocks.length]
    if (chosen === undefined) return
    const [startedAtMs, before] = [now(), packets()]
    const code = await knock(chosen, signal)
    const [tookMs, after] = [now() - startedAtMs, packets()]
    // Of a session that is gone, nothing follows.
    if (!gate.isUp) return
    const sent = { toShoot: after.toShoot - before.toShoot, toSeed: after.toSeed - before.toSeed }
    const failure = judgeAnswer({ code, packets: sent, wantsReport: target.wantsReport })
    const result = { address: chosen.address, failure, code, startedAtMs, tookMs }
    onResult(target, result)
    this.#tell(target, result, state)
  }

  #tell({ name: target }: ProbeTarget, result: ProbeResult, state: TargetState): void {
    const { log } = this.#options
    const { address, failure: reason, code } = result
    const change = state.take(result)
    if (change?.became === 'lost')
      log.warn({ target, address, reason, code }, 'probe of the tunnel gets no answer')
    if (change?.became === 'found')
      log.info({ target, address, lostForMs: change.lostForMs }, 'probe of the tunnel is answered again')
  }
}

function waitUnheld(ms: number, signal: AbortSignal): Promise<void> {
  return wait(ms, undefined, { ref: false, signal })
}
