import { PEER_REFUSALS } from '@reversed-vpn/secure'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { EGRESS_REFUSAL_REASONS, type RefusalReason } from './egress-refusal.js'

/** toShoot: from the caller to the target. toSeed: from the target to the caller. */
export type Direction = 'toShoot' | 'toSeed'

/** How a CONNECT ended: `ok`, a refusal, or the caller left before it got an answer. */
export type RequestOutcome = 'ok' | 'caller-left' | RefusalReason

/** Every outcome. Metric labels: a closed set. */
export const REQUEST_OUTCOMES: readonly RequestOutcome[] = Object.freeze([
  'ok',
  'caller-left',
  ...EGRESS_REFUSAL_REASONS,
] as const)

/** Why a connection was lost before any request: its handshake, too many are open, or accepting failed. */
const ADMISSION_FAILURES = ['handshake', 'limit', 'accept'] as const
type AdmissionFailure = (typeof ADMISSION_FAILURES)[number]

/** What the egress proxy counts. */
export interface EgressMetrics {
  /** One request was answered (or its caller left). */
  requestAnswered(outcome: RequestOutcome): void
  /** A caller was turned away; `reason` is one of `authorizeCaller`, or says how the handshake failed. */
  callerRefused(reason: string): void
  connectionFailed(failure: AdmissionFailure): void
  /** The wait of one request for the tunnel, in seconds. */
  held(seconds: number): void
  /** The dial of one request, in seconds, successful or not. */
  dialled(seconds: number): void
  bytesForwarded(direction: Direction, bytes: number): void
  /** Called once: the gauges ask this when they are read. */
  observe(state: () => EgressState): void
}

/** What is going on now. */
interface EgressState {
  readonly connections: number
  readonly streams: number
  readonly held: number
  readonly lookups: number
  /** Bytes that were read from one side of a stream and not yet taken by the other. */
  readonly heldBytes: number
  /** Directions of streams that wait for who does not read. */
  readonly paused: number
}

const WAIT_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 20, 60]

/**
 * Makes the metrics `seed_server_egress_…` in `registry`. Known reasons start at zero, or the first of a kind would be no
 * increase.
 */
export function createEgressMetrics(registry: Registry): EgressMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'seed_server_egress_requests_total',
    help: 'Requests by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const refusedCallers = new Counter({
    name: 'seed_server_egress_callers_refused_total',
    help: 'Callers whose handshake or certificate was not accepted, by reason',
    labelNames: ['reason'],
    registers,
  })
  const failures = new Counter({
    name: 'seed_server_egress_connections_failed_total',
    help: 'Connections that failed before any request',
    labelNames: ['failure'],
    registers,
  })
  for (const outcome of REQUEST_OUTCOMES) requests.inc({ outcome }, 0)
  for (const reason of PEER_REFUSALS) refusedCallers.inc({ reason }, 0)
  for (const failure of ADMISSION_FAILURES) failures.inc({ failure }, 0)
  const hold = new Histogram({
    name: 'seed_server_egress_hold_seconds',
    help: 'How long requests waited for the tunnel',
    buckets: WAIT_SECONDS,
    registers,
  })
  const dial = new Histogram({
    name: 'seed_server_egress_dial_seconds',
    help: 'How long dialling the target took',
    buckets: WAIT_SECONDS,
    registers,
  })
  return {
    requestAnswered: (outcome) => requests.inc({ outcome }),
    callerRefused: (reason) => refusedCallers.inc({ reason }),
    connectionFailed: (failure) => failures.inc({ failure }),
    held: (seconds) => hold.observe(seconds),
    dialled: (seconds) => dial.observe(seconds),
    bytesForwarded: createByteCounter(registry),
    observe: (state) => createGauges(registry, state),
  }
}

/** Adds plain numbers while bytes are copied, and hands them over when the metrics are read. */
function createByteCounter(registry: Registry): EgressMetrics['bytesForwarded'] {
  const pending: Record<Direction, number> = { toShoot: 0, toSeed: 0 }
  new Counter({
    name: 'seed_server_egress_bytes_total',
    help: 'Bytes forwarded',
    labelNames: ['direction'],
    registers: [registry],
    collect() {
      for (const direction of ['toShoot', 'toSeed'] as const) {
        this.inc({ direction }, pending[direction])
        pending[direction] = 0
      }
    },
  })
  return (direction, bytes) => {
    pending[direction] += bytes
  }
}

function createGauges(registry: Registry, state: () => EgressState): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('seed_server_egress_open_connections', 'Admitted connections', () => state().connections)
  gauge('seed_server_egress_open_streams', 'Streams between a caller and a target', () => state().streams)
  gauge('seed_server_egress_held_requests', 'Requests that wait for the tunnel', () => state().held)
  gauge('seed_server_egress_running_lookups', 'Names being looked up', () => state().lookups)
  gauge(
    'seed_server_egress_waiting_bytes',
    'Bytes read from one side of a stream that the other has not taken',
    () => state().heldBytes,
  )
  gauge(
    'seed_server_egress_paused_directions',
    'Directions of streams that are not read because the other side does not take more',
    () => state().paused,
  )
}
