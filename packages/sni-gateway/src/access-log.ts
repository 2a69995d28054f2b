import { formatEndpoint, type Logger, type SocketEnd } from '@reversed-vpn/daemon'
import type { Connection } from './accept/connection.js'
import type { EndReason } from './end-reason.js'

/** One line for each connection, when it has ended. */
export function logEnd(
  log: Logger,
  connection: Connection,
  reason: EndReason,
  detail: string | undefined,
): void {
  const { startedAtMs, relayedAtMs, source, backend } = connection
  log.info(
    {
      listener: connection.listener,
      client: endOf(source),
      serverName: connection.serverName,
      destination: connection.routingHeader,
      route: connection.route?.name,
      backend: backend === undefined ? undefined : formatEndpoint(backend),
      reason,
      detail,
      waitedMs: relayedAtMs === undefined ? undefined : Math.round(relayedAtMs - startedAtMs),
      totalMs: Math.round(performance.now() - startedAtMs),
      bytesToBackend: connection.bytesToBackend,
      bytesToClient: connection.bytesToClient,
    },
    'connection',
  )
}

function endOf({ address, port }: SocketEnd): string {
  return formatEndpoint({ type: 'tcp', host: address, port })
}
