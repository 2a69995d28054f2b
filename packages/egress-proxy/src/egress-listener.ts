import { createServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import {
  type Endpoint,
  listenOn,
  ownResources,
  type TcpEndpoint,
  type UnixEndpoint,
} from '@reversed-vpn/daemon'
import { Admission, type AdmissionEntry, remoteAddressOf } from '@reversed-vpn/relay'
import { TlsHandshakes, type TlsMaterial } from '@reversed-vpn/secure'
import { KEEP_ALIVE, probeSlowly } from './keep-alive.js'
import { roomForWaiting } from './room.js'

export interface ListenerEvents {
  /** A TCP connection that has finished its handshake. Nothing of it was read; `transport` is the socket beneath. */
  readonly onTlsCaller: (socket: TLSSocket, transport: Socket, remoteAddress: string) => void
  readonly onUnixCaller: (socket: Socket, path: string) => void
  readonly onHandshakeFailed: (error: Error, source: string) => void
  /** A connection was closed because too many are open, or too many have not finished their handshake. */
  readonly onDrop: () => void
  /** Accepting failed (out of descriptors, say); the listener goes on. */
  readonly onError: (error: Error) => void
}

interface ListenerOptions {
  readonly handshakeTimeoutMs: number
  /** At a time. Those whose handshake has not ended have a limit of their own, and are not counted here. */
  readonly maxConnections: number
  /** Needed unless the endpoint is a Unix socket. */
  readonly tls: TlsMaterial | undefined
  /** Ends the look-up of a name to listen on. */
  readonly signal?: AbortSignal | undefined
}

/** One endpoint that takes connections. */
export interface EgressListener {
  /** What was really bound: with port 0 it has the port that the kernel chose. */
  readonly endpoint: Endpoint
  setTlsMaterial(material: TlsMaterial): void
  /** Takes no more connections and destroys those whose handshake has not ended; others stay. */
  close(): void
}

const BACKLOG = 4096

/** Who may connect to a Unix socket: the user of the seed-server. */
const UNIX_SOCKET_MODE = 0o600

/** Handshakes that run at a time, some 60 KB each. Enough to keep a processor busy: a quick one takes one round trip. */
const MAX_HANDSHAKES = 128
const WAIT_TIMEOUT_MS = 60_000
/** A caller that begins thousands at once needs seconds until it gets to each. */
const OVERDUE_MS = 5_000

const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  ...KEEP_ALIVE,
} as const

/** @throws EnvironmentError when the endpoint cannot be bound */
export async function openListener(
  endpoint: Endpoint,
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<EgressListener> {
  return endpoint.type === 'unix'
    ? await openUnixListener(endpoint, options, events)
    : await openTlsListener(endpoint, options, events)
}

async function openUnixListener(
  endpoint: UnixEndpoint,
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<EgressListener> {
  const server = createServer(SOCKET_OPTIONS, (socket) => events.onUnixCaller(socket, endpoint.path))
  await listen(server, endpoint, options, events)
  return { endpoint, setTlsMaterial: () => {}, close: () => server.close() }
}

async function openTlsListener(
  endpoint: TcpEndpoint,
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<EgressListener> {
  const { handshakeTimeoutMs, tls } = options
  if (tls === undefined) throw new TypeError('an endpoint on TCP needs certificates')
  const handshakes = new TlsHandshakes<AdmissionEntry<Socket>>({
    tls,
    alpn: 'http/1.1',
    timeoutMs: handshakeTimeoutMs,
    onSecure(entry, socket) {
      const { stream: transport, remoteAddress } = entry
      queue.finish(entry)
      probeSlowly(transport)
      transport.allowHalfOpen = true
      socket.allowHalfOpen = true
      events.onTlsCaller(socket, transport, remoteAddress)
    },
    onFailed(entry, socket, error) {
      if (entry?.dropped === undefined)
        events.onHandshakeFailed(error, entry?.remoteAddress ?? remoteAddressOf(socket))
    },
  })
  const maxWaiting = roomForWaiting(ownResources())
  const waiting = { maxWaiting, waitTimeoutMs: WAIT_TIMEOUT_MS, overdueMs: OVERDUE_MS }
  const queue = new Admission<Socket>(
    { max: MAX_HANDSHAKES, whenFull: waiting },
    { onAdmitted: (entry) => handshakes.take(entry.stream, entry), onDropped: events.onDrop },
  )
  // Half a connection is of use to callers alone: a stranger who has left is gone at once.
  const strangerOptions = { ...SOCKET_OPTIONS, allowHalfOpen: false, pauseOnConnect: true }
  const server = createServer(strangerOptions, (socket) => {
    queue.enter(socket, remoteAddressOf(socket))
  })
  return {
    endpoint: await listen(server, endpoint, options, events),
    setTlsMaterial: (fresh) => handshakes.setTlsMaterial(fresh),
    close() {
      server.close()
      queue.destroyAll()
    },
  }
}

/** @throws EnvironmentError */
async function listen(
  server: Server,
  endpoint: Endpoint,
  { maxConnections, signal }: ListenerOptions,
  events: ListenerEvents,
): Promise<Endpoint> {
  server.maxConnections = maxConnections + MAX_HANDSHAKES + roomForWaiting(ownResources())
  server.on('drop', events.onDrop)
  const bound = await listenOn(server, endpoint, {
    backlog: BACKLOG,
    mode: UNIX_SOCKET_MODE,
    ...(signal !== undefined && { signal }),
  })
  server.on('error', events.onError)
  return bound
}
