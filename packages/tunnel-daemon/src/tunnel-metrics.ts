import { readDropCounters } from '@reversed-vpn/host-network'
import { type CloseCode, DROP_REASONS } from '@reversed-vpn/protocol'
import { DIAL_FAILURES, type DialFailure, REFUSAL_REASONS, type RefusalReason } from '@reversed-vpn/secure'
import type { LaneCounters, Session, TrafficTotals } from '@reversed-vpn/session'
import { Counter, Gauge, type Registry } from 'prom-client'

export interface TunnelMetricsOptions {
  readonly registry: Registry
  /** Of every name: `seed_server_`. */
  readonly prefix: string
  /** Which side this is, and with that which way `toPeer` goes. */
  readonly side: 'seed' | 'shoot'
  readonly totals: TrafficTotals
  /** The interface whose firewall counters are told. Absent where the firewall is not this process's to read. */
  readonly tun: string | undefined
  /** The session that carries now. */
  readonly session: () => Session | undefined
}

/** What both ends of a tunnel tell about it. Read when scraped: carrying packets costs nothing more for it. */
export function registerTunnelMetrics(options: TunnelMetricsOptions): void {
  registerTraffic(options)
  registerState(options)
  registerFirewall(options)
}

/** Counts dials that came to nothing. Zero for every reason on the side that does not dial. */
export function countDialFailures(registry: Registry, prefix: string): (reason: DialFailure) => void {
  const name = `${prefix}tunnel_dial_failures_total`
  return countReasons(registry, name, 'Dials that did not end in a lane.', DIAL_FAILURES)
}

/** Counts accepted connections that came to nothing. Zero for every reason on the side that does not listen. */
export function countRefusals(registry: Registry, prefix: string): (reason: RefusalReason) => void {
  const name = `${prefix}tunnel_refusals_total`
  return countReasons(registry, name, 'Connections to the tunnel port that came to nothing.', REFUSAL_REASONS)
}

/** Counts lanes that ended because the peer broke the protocol, by the code that it was told. */
export function countProtocolErrors(registry: Registry, prefix: string): (code: CloseCode) => void {
  const counter = new Counter({
    name: `${prefix}tunnel_protocol_errors_total`,
    help: 'Lanes that ended because the peer broke the protocol, by the code of our CLOSE.',
    labelNames: ['code'],
    registers: [registry],
  })
  for (const code of PROTOCOL_ERRORS) counter.inc({ code }, 0)
  return (code) => counter.inc({ code })
}

/** Of the codes of CLOSE those that blame the receiver. */
const PROTOCOL_ERRORS = [
  'protocol-error',
  'frame-too-large',
  'bad-control',
  'unexpected-frame',
] as const satisfies readonly CloseCode[]

function countReasons<Reason extends string>(
  registry: Registry,
  name: string,
  help: string,
  reasons: readonly Reason[],
): (reason: Reason) => void {
  const counter = new Counter({ name, help, labelNames: ['reason'], registers: [registry] })
  for (const reason of reasons) counter.inc({ reason }, 0)
  return (reason) => counter.inc({ reason })
}

function registerTraffic({ registry, prefix, side, totals }: TunnelMetricsOptions): void {
  const [toPeer, fromPeer] =
    side === 'seed' ? (['toShoot', 'toSeed'] as const) : (['toSeed', 'toShoot'] as const)
  const perDirection = (
    name: string,
    help: string,
    read: (direction: LaneCounters['toPeer' | 'fromPeer']) => number,
  ) => {
    sampledCounter(registry, prefix + name, help, ['direction'], (set) => {
      const counters = totals.read()
      set({ direction: toPeer }, read(counters.toPeer))
      set({ direction: fromPeer }, read(counters.fromPeer))
    })
  }
  const single = (name: string, help: string, read: (counters: LaneCounters) => number) => {
    sampledCounter(registry, prefix + name, help, [], (set) => set({}, read(totals.read())))
  }
  perDirection('tunnel_packets_total', 'Packets carried; a GSO packet counts once.', (d) => d.packets)
  perDirection('tunnel_bytes_total', 'Bytes of IP packets carried.', (d) => d.bytes)
  perDirection('tunnel_batches_total', 'Writes that carried them.', (d) => d.batches)
  single('tunnel_records_total', 'TLS records sent, estimated.', (c) => c.toPeer.records)
  single(
    'tunnel_stalls_total',
    'Times the connection was full and packets were left to the kernel.',
    (c) => c.toPeer.stalls,
  )
  single(
    'tunnel_repaired_packets_total',
    'Packets finished in software for the peer.',
    (c) => c.toPeer.repaired,
  )
  single(
    'tunnel_device_refusals_total',
    'Packets the kernel refused to take.',
    (c) => c.fromPeer.refusedByDevice,
  )
  sampledCounter(
    registry,
    `${prefix}tunnel_dropped_packets_total`,
    'Packets that did not pass the checks.',
    ['direction', 'reason'],
    (set) => {
      const counters = totals.read()
      DROP_REASONS.forEach((reason, index) => {
        if (index === 0) return
        set({ direction: toPeer, reason }, counters.toPeer.drops[index] ?? 0)
        set({ direction: fromPeer, reason }, counters.fromPeer.drops[index] ?? 0)
      })
    },
  )
}

/** Reading the firewall's counters starts a process. */
const FIREWALL_READ_INTERVAL_MS = 1000

function registerFirewall({ registry, prefix, tun }: TunnelMetricsOptions): void {
  let readAtMs = Number.NEGATIVE_INFINITY
  let counters: ReadonlyMap<string, number> = new Map()
  new Counter({
    name: `${prefix}tunnel_firewall_dropped_packets_total`,
    help: 'Packets that the firewall dropped, by its rule. Begins anew when the rules are applied anew.',
    labelNames: ['rule'],
    registers: [registry],
    async collect() {
      if (tun !== undefined && performance.now() - readAtMs >= FIREWALL_READ_INTERVAL_MS) {
        // Before the rules are applied, and after they are taken away, there is nothing to tell.
        counters = await readDropCounters(tun).catch(() => new Map())
        readAtMs = performance.now()
      }
      this.reset()
      for (const [rule, packets] of counters) this.inc({ rule }, packets)
    },
  })
}

function registerState({ registry, prefix, session }: TunnelMetricsOptions): void {
  const gauge = (name: string, help: string, read: () => number | undefined) => {
    new Gauge({
      name: prefix + name,
      help,
      registers: [registry],
      collect() {
        const value = read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })
  }
  gauge('tunnel_session_up', '1 while packets have a way to the peer.', () => (session()?.isSending ? 1 : 0))
  gauge('tunnel_lanes', 'Connections of the session that carries.', () => session()?.lanes.size ?? 0)
  gauge('tunnel_backlog_bytes', 'Bytes that wait in this process to be sent.', () =>
    sumLanes(session(), (lane) => lane.backlogBytes),
  )
  gauge('tunnel_round_trip_seconds', 'The shortest last PING among the lanes.', () =>
    shortestRoundTripSeconds(session()),
  )
}

function sumLanes(
  session: Session | undefined,
  read: (lane: { readonly backlogBytes: number }) => number,
): number {
  let sum = 0
  for (const lane of session?.lanes.values() ?? []) sum += read(lane)
  return sum
}

function shortestRoundTripSeconds(session: Session | undefined): number | undefined {
  const measured = [...(session?.lanes.values() ?? [])].flatMap((lane) =>
    lane.rttMs === undefined ? [] : [lane.rttMs],
  )
  return measured.length === 0 ? undefined : Math.min(...measured) / 1000
}

/** A counter whose values are kept elsewhere and taken over at each scrape. */
function sampledCounter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  sample: (set: (labels: Record<string, string>, value: number) => void) => void,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      sample((labels, value) => this.inc(labels, value))
    },
  })
}
