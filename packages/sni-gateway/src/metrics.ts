import { RELOAD_OUTCOMES, type Registry, type ReloadOutcome } from '@reversed-vpn/daemon'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Connection } from './accept/connection.js'
import { END_REASONS, type EndReason } from './end-reason.js'

export interface SniGatewayMetrics {
  ended(connection: Connection, reason: EndReason): void
  dialled(seconds: number): void
  reloaded(outcome: ReloadOutcome): void
}

interface GatewayState {
  readonly connections: ReadonlySet<Connection>
  readonly routes: number
  readonly sources: number
  readonly waitingBytes: number
  readonly paused: number
}

const PREFIX = 'sni_gateway_'
const LISTENERS = ['tls', 'connect'] as const

/** Registers every metric of the daemon; all names begin with `sni_gateway_`. */
export function createMetrics(registry: Registry, state: () => GatewayState): SniGatewayMetrics {
  const registers = [registry]
  const ended = new Counter({
    name: `${PREFIX}connections_ended_total`,
    help: 'Connections that ended, by reason.',
    labelNames: ['listener', 'reason'],
    registers,
  })
  for (const listener of LISTENERS) for (const reason of END_REASONS) ended.inc({ listener, reason }, 0)
  const endedBytes = { toBackend: 0, toClient: 0 }
  new Counter({
    name: `${PREFIX}relayed_bytes_total`,
    help: 'Bytes relayed, open connections included.',
    labelNames: ['direction'],
    registers,
    collect() {
      this.reset()
      let { toBackend, toClient } = endedBytes
      for (const connection of state().connections) {
        if (connection.hasEnded) continue
        toBackend += connection.bytesToBackend
        toClient += connection.bytesToClient
      }
      this.inc({ direction: 'toBackend' }, toBackend)
      this.inc({ direction: 'toClient' }, toClient)
    },
  })
  const dials = new Histogram({
    name: `${PREFIX}backend_dial_seconds`,
    help: 'Time to connect to a backend.',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers,
  })
  const reloads = new Counter({
    name: `${PREFIX}route_reloads_total`,
    help: 'Reloads of the routes file. refused: the file could not be used, and the old routes stay in force.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of RELOAD_OUTCOMES) reloads.inc({ outcome }, 0)
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('open_connections', 'Open connections of clients.', () => state().connections.size)
  gauge('client_sources', 'IPv4 addresses, or /64 of IPv6, with an open connection.', () => state().sources)
  gauge(
    'waiting_bytes',
    'Bytes that were read and that the other side has not taken.',
    () => state().waitingBytes,
  )
  gauge(
    'paused_directions',
    'Directions of connections that are not read because the other side takes no more.',
    () => state().paused,
  )
  gauge('routes', 'Routes in force.', () => state().routes)
  return {
    ended(connection, reason) {
      ended.inc({ listener: connection.listener, reason })
      endedBytes.toBackend += connection.bytesToBackend
      endedBytes.toClient += connection.bytesToClient
    },
    dialled: (seconds) => dials.observe(seconds),
    reloaded: (outcome) => reloads.inc({ outcome }),
  }
}
