import type { IncomingMessage } from 'node:http'
import type { Logger } from '@reversed-vpn/daemon'
import {
  answerAndClose,
  type ByteBudget,
  formatHostPort,
  isPermitted,
  joinSockets,
  permittedAddresses,
  type TargetNetworks,
  TargetRefusal,
} from '@reversed-vpn/relay'
import { AccessRecord } from './access-record.js'
import { CallerGoneSignal } from './caller-gone-signal.js'
import type { Caller } from './callers.js'
import { parseConnectRequest } from './connect-request.js'
import type { Direction, EgressMetrics } from './egress-metrics.js'
import { EgressRefusal, formatRefusal } from './egress-refusal.js'
import { holdBack } from './hold-back.js'
import type { HoldQueue } from './hold-queue.js'
import { type EgressLimits, LINGER_MS } from './limits.js'
import { END_OF_OUTCOME } from './stream-end.js'
import type { DialledTarget, TargetDialler } from './target-dialler.js'

interface ConnectHandlerParts {
  readonly limits: EgressLimits
  /** How long a CONNECT may wait for its answer in all. */
  readonly answerTimeoutMs: number
  readonly hold: HoldQueue
  /** What carries the CONNECTs. */
  readonly dialler: TargetDialler
  readonly metrics: EgressMetrics
  readonly logger: Logger
  readonly networks: TargetNetworks
  readonly budget: ByteBudget
}

/** The whole answer to a CONNECT whose target was reached. No header fields: the stream begins behind it. */
const CONNECTION_ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

/**
 * Serves requests from their head to the end of their stream:
 *
 *   parse ─▶ resolve ─▶ check ─▶ hold ─▶ check again ─▶ dial ─▶ 200 ─▶ copy both ways
 *     └────────┴──────────┴───────┴──────────┴───────────┴── refusal ─▶ answer, close
 *
 * Names are resolved before the hold, so that a prohibited target is refused at once. The networks may have changed when
 * the hold is over, so the addresses are checked again, and likewise the one that answered when the dial is over. Every path
 * writes one answer, one log line and one count.
 */
export class ConnectHandler {
  readonly #parts: ConnectHandlerParts
  #networks: TargetNetworks
  /** The streams that run now, by their far ends. */
  readonly #streams = new Map<DialledTarget, AccessRecord>()

  constructor(parts: ConnectHandlerParts) {
    this.#parts = parts
    this.#networks = parts.networks
  }

  /** Streams that run now. */
  get streams(): number {
    return this.#streams.size
  }

  /** Counts for every request from now on. Streams to where nobody may go any more are reset. */
  setNetworks(networks: TargetNetworks): void {
    this.#networks = networks
    for (const [target, record] of [...this.#streams]) {
      if (isPermitted(networks, target.address)) continue
      record.end = 'prohibited'
      target.reset()
    }
  }

  /** To be called before all callers are reset: the access log says why. */
  onGraceOver(): void {
    for (const record of this.#streams.values()) record.end ??= 'shutting-down'
  }

  /** Serves one CONNECT. Never rejects. */
  async handle(caller: Caller, request: IncomingMessage, head: Buffer): Promise<void> {
    const record = recordOf(caller, request)
    const gone = new CallerGoneSignal(caller.socket)
    try {
      const target = await this.#dialTarget(request, head, record, gone)
      // An abort at the end of each stream would cost as much as its access log.
      gone.stop()
      await this.#stream(caller, target, head, record)
    } catch (error) {
      if (caller.socket.destroyed || gone.signal.aborted) this.#onCallerGone(caller, record)
      else this.#answer(caller, toRefusal(error), record)
    } finally {
      gone.stop()
    }
  }

  /** Answers a request that is not a CONNECT to serve: another method, or one that could not be parsed. */
  refuse(caller: Caller, refusal: EgressRefusal, request?: IncomingMessage): void {
    this.#answer(caller, refusal, recordOf(caller, request))
  }

  async #dialTarget(
    request: IncomingMessage,
    head: Buffer,
    record: AccessRecord,
    gone: CallerGoneSignal,
  ): Promise<DialledTarget> {
    const { signal } = gone
    const { dialler, limits } = this.#parts
    const deadlineMs = performance.now() + this.#parts.answerTimeoutMs
    const { host, port, kind } = parseConnectRequest(request)
    const candidates = kind === 'address' ? [host] : await dialler.resolve(host, signal)
    let judgedBy = this.#networks
    let addresses = candidates && permittedAddresses(judgedBy, host, candidates)
    if (head.length === 0) gone.countHalfClose(true)
    await this.#hold(record, signal, deadlineMs)
    gone.countHalfClose(false)
    if (judgedBy !== this.#networks) {
      judgedBy = this.#networks
      addresses = candidates && permittedAddresses(judgedBy, host, candidates)
    }
    const startedAtMs = performance.now()
    try {
      const timeoutMs = Math.min(limits.dialTimeoutMs, Math.max(0, Math.round(deadlineMs - startedAtMs)))
      const target = await dialler.dial({ host, port, addresses, timeoutMs, signal })
      record.address = formatHostPort(target.address, port)
      record.carrier = target.carrier
      if (addresses === undefined || judgedBy !== this.#networks) this.#judge(target, host)
      return target
    } finally {
      record.dialMs = performance.now() - startedAtMs
      this.#parts.metrics.dialled(record.dialMs / 1000)
    }
  }

  /** @throws TargetRefusal `prohibited`, once it is reset */
  #judge(target: DialledTarget, host: string): void {
    if (isPermitted(this.#networks, target.address)) return
    target.reset()
    throw new TargetRefusal('prohibited', `${host} is outside the shoot's networks`)
  }

  async #hold(record: AccessRecord, signal: AbortSignal, deadlineMs: number): Promise<void> {
    const startedAtMs = performance.now()
    try {
      await this.#parts.hold.pass(signal, deadlineMs - startedAtMs)
    } finally {
      record.heldMs = performance.now() - startedAtMs
      this.#parts.metrics.held(record.heldMs / 1000)
    }
  }

  async #stream(caller: Caller, target: DialledTarget, head: Buffer, record: AccessRecord): Promise<void> {
    const { metrics, logger, limits, budget } = this.#parts
    metrics.requestAnswered('ok')
    this.#streams.set(target, record)
    const count = (direction: Direction) => (bytes: number) => {
      record.addBytes(direction, bytes)
      metrics.bytesForwarded(direction, bytes)
    }
    try {
      const outcome = await joinSockets(caller, target, {
        head,
        greeting: CONNECTION_ESTABLISHED,
        // Without records the caller might read the 200 and the target's first bytes at once.
        ...(!caller.hasRecords && {
          holdBack: (proceed) => holdBack(caller.socket, limits.unixHoldBackMs, proceed),
        }),
        lingerMs: LINGER_MS,
        budget,
        onClientBytes: count('toShoot'),
        onTargetBytes: count('toSeed'),
      })
      record.end ??= (outcome === 'target-broke' ? target.end : undefined) ?? END_OF_OUTCOME[outcome]
    } finally {
      this.#streams.delete(target)
      record.write(logger, 200, 'ok')
    }
  }

  #answer(caller: Caller, refusal: EgressRefusal, record: AccessRecord): void {
    const { metrics, logger } = this.#parts
    if (refusal.reason === 'internal') logger.error({ err: refusal.cause }, 'egress request failed')
    metrics.requestAnswered(refusal.reason)
    record.write(logger, refusal.status, refusal.reason, refusal.detail)
    answerAndClose(caller.socket, formatRefusal(refusal), { lingerMs: LINGER_MS })
  }

  #onCallerGone(caller: Caller, record: AccessRecord): void {
    caller.socket.destroy()
    this.#parts.metrics.requestAnswered('caller-left')
    record.write(this.#parts.logger, 0, 'caller-left')
  }
}

const MAX_LOGGED_TARGET_CHARS = 300

function recordOf(caller: Caller, request?: IncomingMessage): AccessRecord {
  const target = request?.url?.slice(0, MAX_LOGGED_TARGET_CHARS) ?? ''
  return new AccessRecord({ caller: caller.name, source: caller.source, target })
}

function toRefusal(error: unknown): EgressRefusal {
  if (error instanceof EgressRefusal) return error
  if (error instanceof TargetRefusal) return new EgressRefusal(error.reason, error.detail, { cause: error })
  return new EgressRefusal('internal', 'see the log of the seed-server', { cause: error })
}
