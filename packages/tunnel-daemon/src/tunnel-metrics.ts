import { readDropCounters } from '@reversed-vpn/host-network'
import { type CloseCode, DROP_REASONS } from '@reversed-vpn/protocol'
import { DIAL_FAILURES, type DialFailure, REFUSAL_REASONS, type RefusalReason } from '@reversed-vpn/secure'
import type { LaneCounters, Session, TrafficTotals } from '@reversed-vpn/session'
import { Counter, Gauge, type Registry } from 'prom-client'
import { sampledCounter } from './sampled-counter.js'

interface TunnelMetricsOptions {
  readonly registry: Registry
  /** Of every name: `seed_server_`. */
  readonly prefix: string
  /** Which side this is, and with that in which direction `toPeer` goes. */
  readonly side: 'seed' | 'shoot'
  readonly totals: TrafficTotals
  /** The interface whose firewall counters are read. Absent where the firewall is not this process's to read. */
  readonly tun: string | undefined
}

/** What both ends of a tunnel count. What the lanes count themselves is read at each scrape. */
export interface TunnelMetrics {
  /** A connection to the tunnel port was refused. */
  refused(reason: RefusalReason): void
  dialFailed(failure: DialFailure): void
  sessionOpened(): void
  /** @param orderly whether the lane was closed by an agreement of both ends */
  laneClosed(orderly: boolean): void
  /** A lane ended because the peer broke the protocol: `code` is that of our CLOSE. */
  protocolBroken(code: CloseCode): void
  /** Called once: the gauges ask for the sessions that are in use when they are read. */
  observe(sessions: () => readonly Session[]): void
}

/** Registers all of them. Reasons that are known beforehand start at zero, or the first of a kind would be no increase. */
export function createTunnelMetrics(options: TunnelMetricsOptions): TunnelMetrics {
  const { registry, prefix } = options
  registerTraffic(options)
  registerFirewall(options)
  const opened = new Counter({
    name: `${prefix}tunnel_sessions_opened_total`,
    help: 'Sessions opened.',
    registers: [registry],
  })
  const count = <Value extends string>(name: string, help: string, label: string, values: readonly Value[]) =>
    labelledCounter(registry, prefix + name, help, label, values)
  const orderlyOrNot = count('tunnel_lanes_down_total', 'Lanes that ended.', 'orderly', ['true', 'false'])
  return {
    refused: count(
      'tunnel_refusals_total',
      'Connections to the tunnel port that did not become a lane.',
      'reason',
      REFUSAL_REASONS,
    ),
    dialFailed: count(
      'tunnel_dial_failures_total',
      'Dials that did not become a lane.',
      'reason',
      DIAL_FAILURES,
    ),
    sessionOpened: () => opened.inc(),
    laneClosed: (orderly) => orderlyOrNot(orderly ? 'true' : 'false'),
    protocolBroken: count(
      'tunnel_protocol_errors_total',
      'Lanes that ended because the peer broke the protocol, by the code of our CLOSE.',
      'code',
      PROTOCOL_ERRORS,
    ),
    observe: (sessions) => registerState(options, sessions),
  }
}

/** The codes of CLOSE that blame the receiver. */
const PROTOCOL_ERRORS: readonly CloseCode[] = [
  'protocol-error',
  'frame-too-large',
  'bad-control',
  'unexpected-frame',
]

function labelledCounter<Value extends string>(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: readonly Value[],
): (value: Value) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers: [registry] })
  for (const value of values) counter.inc({ [label]: value }, 0)
  return (value) => counter.inc({ [label]: value })
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
  perDirection(
    'tunnel_packets_total',
    'Packets sent or received; a GSO packet counts once.',
    (d) => d.packets,
  )
  perDirection('tunnel_bytes_total', 'Bytes of IP packets sent or received.', (d) => d.bytes)
  perDirection('tunnel_batches_total', 'Batches of packets written at once.', (d) => d.batches)
  single('tunnel_records_total', 'TLS records sent, estimated.', (c) => c.toPeer.records)
  single(
    'tunnel_stalls_total',
    'Times a lane was full, so that packets stayed in the queue of the TUN.',
    (c) => c.toPeer.stalls,
  )
  single(
    'tunnel_repaired_packets_total',
    'Packets whose offloads were finished in software for the peer.',
    (c) => c.toPeer.repaired,
  )
  single('tunnel_device_refusals_total', 'Packets that the TUN refused.', (c) => c.fromPeer.refusedByDevice)
  sampledCounter(
    registry,
    `${prefix}tunnel_dropped_packets_total`,
    'Packets dropped by the checks of this process.',
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
    help: 'Packets dropped by the firewall, by rule. Starts at zero again when the rules are applied again.',
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

function registerState({ registry, prefix }: TunnelMetricsOptions, sessions: () => readonly Session[]): void {
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
  const lanes = () => sessions().flatMap((session) => [...session.lanes.values()])
  const isUp = () => sessions().some(({ isSending }) => isSending)
  gauge('tunnel_session_up', '1 while packets can be sent to the peer.', () => (isUp() ? 1 : 0))
  gauge('tunnel_lanes', 'Lanes of the sessions in use.', () => lanes().length)
  gauge('tunnel_backlog_bytes', 'Bytes that wait in this process to be sent.', () =>
    lanes().reduce((sum, { backlogBytes }) => sum + backlogBytes, 0),
  )
  gauge('tunnel_round_trip_seconds', 'Round trip of the last PING, on the fastest lane.', () => {
    const measured = lanes().flatMap(({ rttMs }) => rttMs ?? [])
    return measured.length === 0 ? undefined : Math.min(...measured) / 1000
  })
  new Gauge({
    name: `${prefix}tunnel_session_lanes`,
    help: 'Lanes of each session in use.',
    labelNames: ['session', 'remote'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { id, peer, lanes } of sessions())
        this.set({ session: id, remote: peer.remoteAddress }, lanes.size)
    },
  })
}
