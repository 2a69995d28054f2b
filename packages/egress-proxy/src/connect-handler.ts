import type { IncomingMessage } from 'node:http'
import { isIPv6, type Socket } from 'node:net'
import { AccessRecord } from './access-record.js'
import type { Caller } from './caller.js'
import { parseConnectRequest } from './connect-request.js'
import { Departure } from './departure.js'
import { type EgressNetworks, isPermitted, permittedAddresses } from './destination-policy.js'
import { dialFirst, type TransferAddresses } from './dial.js'
import type { EgressLogger } from './egress-log.js'
import type { EgressMetrics } from './egress-metrics.js'
import type { EgressLimits } from './egress-options.js'
import { EgressRefusal } from './egress-refusal.js'
import type { HoldQueue } from './hold-queue.js'
import { resetConnection } from './reset-connection.js'
import { answerAndClose, CONNECTION_ESTABLISHED, formatRefusal } from './responses.js'
import { splice } from './splice.js'
import type { TargetResolver } from './target-resolver.js'

export interface ConnectHandlerParts {
  readonly limits: EgressLimits
  readonly hold: HoldQueue
  readonly resolver: TargetResolver
  readonly metrics: EgressMetrics
  readonly logger: EgressLogger
  /** Asked anew for every request, and again after every wait. */
  readonly networks: () => EgressNetworks
  readonly transfer: () => TransferAddresses
}

/**
 * Carries requests from their head to the end of their stream:
 *
 *   parse ─▶ resolve ─▶ check ─▶ hold ─▶ check again ─▶ dial ─▶ 200 ─▶ splice
 *     └────────┴──────────┴───────┴──────────┴───────────┴── refusal ─▶ answer, close
 *
 * Names are resolved before the hold, so that what is prohibited is told so at once; the networks may have changed when
 * the hold is over, so the addresses are checked again. Every path writes one answer, one log line and one count.
 */
export class ConnectHandler {
  readonly #parts: ConnectHandlerParts
  /** Far ends of the streams that run now. */
  readonly #targets = new Set<Socket>()

  constructor(parts: ConnectHandlerParts) {
    this.#parts = parts
  }

  /** Streams that run now. */
  get streams(): number {
    return this.#targets.size
  }

  /** Breaks the streams whose far end lies where nobody may go any more; the caller is told by a reset. */
  resetProhibited(): void {
    const networks = this.#parts.networks()
    for (const target of [...this.#targets])
      if (!isPermitted(networks, target.remoteAddress ?? '')) resetConnection(target)
  }

  /** Serves one CONNECT. Never rejects. */
  async handle(caller: Caller, request: IncomingMessage, head: Buffer): Promise<void> {
    const record = recordOf(caller, request)
    const departure = new Departure(caller.socket)
    try {
      const target = await this.#dialTarget(request, head, record, departure)
      await this.#stream(caller, target, head, record)
    } catch (error) {
      if (caller.socket.destroyed || departure.signal.aborted) this.#onDeparted(caller, record)
      else this.#answer(caller, toRefusal(error), record)
    } finally {
      departure.stop()
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
    departure: Departure,
  ): Promise<Socket> {
    const { signal } = departure
    const { networks, resolver, transfer, limits } = this.#parts
    const { host, port, kind } = parseConnectRequest(request)
    const candidates = kind === 'address' ? [host] : await resolver.resolve(host, signal)
    permittedAddresses(networks(), host, candidates)
    if (head.length === 0) departure.countHalfClose(true)
    await this.#hold(record, signal)
    departure.countHalfClose(false)
    const addresses = permittedAddresses(networks(), host, candidates)
    const startedAtMs = performance.now()
    try {
      const socket = await dialFirst(addresses, {
        port,
        transfer: transfer(),
        timeoutMs: limits.dialTimeoutMs,
        signal,
      })
      record.address = formatAddress(socket.remoteAddress ?? '', port)
      return socket
    } finally {
      record.dialMs = performance.now() - startedAtMs
      this.#parts.metrics.dialled(record.dialMs / 1000)
    }
  }

  async #hold(record: AccessRecord, signal: AbortSignal): Promise<void> {
    const startedAtMs = performance.now()
    try {
      await this.#parts.hold.pass(signal)
    } finally {
      record.heldMs = performance.now() - startedAtMs
      this.#parts.metrics.held(record.heldMs / 1000)
    }
  }

  async #stream(caller: Caller, target: Socket, head: Buffer, record: AccessRecord): Promise<void> {
    const { metrics, logger, limits } = this.#parts
    metrics.requestAnswered('ok')
    this.#targets.add(target)
    try {
      await splice(
        caller,
        { socket: target, reset: () => resetConnection(target) },
        {
          head,
          greeting: CONNECTION_ESTABLISHED,
          holdBackMs: caller.hasRecords ? 0 : limits.unixHoldBackMs,
          lingerMs: limits.lingerMs,
          onBytes: (direction, bytes) => {
            record.addBytes(direction, bytes)
            metrics.bytesForwarded(direction, bytes)
          },
        },
      )
    } finally {
      this.#targets.delete(target)
      record.write(logger, 200, 'ok')
    }
  }

  #answer(caller: Caller, refusal: EgressRefusal, record: AccessRecord): void {
    const { metrics, logger, limits } = this.#parts
    if (refusal.reason === 'internal') logger.error({ err: refusal.cause }, 'egress request failed')
    metrics.requestAnswered(refusal.reason)
    record.write(logger, refusal.status, refusal.reason, refusal.detail)
    answerAndClose(caller.socket, formatRefusal(refusal), limits.lingerMs)
  }

  #onDeparted(caller: Caller, record: AccessRecord): void {
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

function formatAddress(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

function toRefusal(error: unknown): EgressRefusal {
  if (error instanceof EgressRefusal) return error
  return new EgressRefusal('internal', 'see the log of the seed-server', { cause: error })
}
