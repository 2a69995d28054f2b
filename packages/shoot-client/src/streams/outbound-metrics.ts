import { type Logger, rateLimited } from '@reversed-vpn/daemon'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { OutboundRefusalReason } from './outbound-refusal.js'
import type { OutboundEvents, OutboundTargets } from './outbound-targets.js'

interface OutboundMetricsOptions {
  readonly registry: Registry
  /** Of every name: `shoot_client_`. */
  readonly prefix: string
  readonly log: Logger
}

interface OutboundMetrics {
  /** For the targets that are observed. Refusals and bytes are counted by the multiplexers: here, refusals are logged. */
  readonly events: OutboundEvents
  /** The gauges ask these when they are read, and are 0 before. */
  observe(targets: Pick<OutboundTargets, 'streams' | 'dials'>): void
}

type Outcome = Parameters<OutboundEvents['onEnded']>[0]

/** In the words of the seed side's access log. */
const END_OF_OUTCOME = {
  'client-ended': 'caller-closed',
  'target-ended': 'target-closed',
  'client-broke': 'caller-reset',
  'target-broke': 'target-reset',
  'client-timed-out': 'caller-timed-out',
  'target-timed-out': 'target-timed-out',
} as const satisfies Record<Outcome, string>

/** A look-up may take 5 s, and all of it 9 s. */
const DIAL_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10]

/** Refusals are logged once per reason in this time. */
const REFUSAL_LOG_INTERVAL_MS = 60_000

/** What only who runs the shoot-client can find out or mend; the rest tells of targets, and the caller has it. */
const WORTH_A_WARNING: readonly OutboundRefusalReason[] = [
  'prohibited',
  'too-many-connections',
  'too-many-lookups',
  'out-of-ports',
  'out-of-descriptors',
  'internal',
]

/** Registers what is counted of dials into the shoot. To be called without streams too: dashboards find all at zero then. */
export function createOutboundMetrics({ registry, prefix, log }: OutboundMetricsOptions): OutboundMetrics {
  const registers = [registry]
  const dial = new Histogram({
    name: `${prefix}outbound_dial_seconds`,
    help: 'How long dialling the target of a stream took, its look-up included.',
    buckets: DIAL_SECONDS,
    registers,
  })
  const ended = new Counter({
    name: `${prefix}outbound_ended_total`,
    help: 'Connections to targets that ended, by who ended them.',
    labelNames: ['end'],
    registers,
  })
  for (const end of Object.values(END_OF_OUTCOME)) ended.inc({ end }, 0)
  let observed: Pick<OutboundTargets, 'streams' | 'dials'> = { streams: 0, dials: 0 }
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `${prefix}outbound_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('open_connections', 'Connections to targets that are joined to a stream.', () => observed.streams)
  gauge('running_dials', 'Targets that are being looked up or dialled.', () => observed.dials)
  return {
    events: {
      onRefused: logRefusals(log),
      onDialled: (seconds) => dial.observe(seconds),
      onBytes: () => {},
      onEnded: (outcome) => ended.inc({ end: END_OF_OUTCOME[outcome] }),
    },
    observe: (targets) => {
      observed = targets
    },
  }
}

function logRefusals(log: Logger): OutboundEvents['onRefused'] {
  const logRarely = rateLimited(log, REFUSAL_LOG_INTERVAL_MS)
  return (reason, { detail, cause }) => {
    const level = WORTH_A_WARNING.includes(reason) ? 'warn' : 'debug'
    // Only a fault of the daemon needs its stack.
    logRarely(
      level,
      reason,
      { reason, detail, ...(reason === 'internal' && { err: cause }) },
      'stream refused',
    )
  }
}
