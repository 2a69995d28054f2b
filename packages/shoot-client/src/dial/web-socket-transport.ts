import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HttpHeader } from '@reversed-vpn/daemon'
import { orDestroy, untilConnected } from '@reversed-vpn/relay'
import { DialError, toDialError } from '@reversed-vpn/secure'
import { MAX_WEB_SOCKET_MESSAGE_BYTES, openTcp, type Transport, WebSocketStream } from '@reversed-vpn/session'
import { WebSocket } from 'ws'
import { basicCredentials } from './credentials.js'
import type { GatewayAuthorities } from './gateway-authorities.js'
import { byProxy, hostOf, openPath, type PathOptions, portOf } from './open-path.js'
import { PlainProxyAgent } from './plain-proxy-agent.js'
import { isTls, secureIfTls } from './secure-hop.js'

interface WebSocketTransportOptions extends PathOptions {
  /** `ws://HOST:PORT/PATH`, or `wss://`. */
  readonly gateway: URL
  /** Authorities of a `wss://` gateway, read with every dial. @default those that Node knows */
  readonly gatewayCa?: Pick<GatewayAuthorities, 'ca'> | undefined
  /** Sent with the upgrade. */
  readonly headers: readonly HttpHeader[]
  /** Sets up the TCP socket that is below. */
  readonly tune: (socket: Socket) => void
}

/** A WebSocket (RFC 6455) through an ingress that lets only upgrades pass. What runs inside is TLS up to the seed-server. */
export function webSocketTransport(options: WebSocketTransportOptions): Transport {
  const { gateway, proxy } = options
  return {
    description: `WebSocket to ${gateway.host}${byProxy(proxy)}`,
    open: (signal) => openWebSocket(options, signal),
  }
}

async function openWebSocket(options: WebSocketTransportOptions, signal: AbortSignal): Promise<Duplex> {
  const { gateway, gatewayCa, proxy, tune } = options
  const host = hostOf(gateway)
  let path: Socket
  try {
    path = await openPath({ host, port: portOf(gateway) }, options, signal)
  } catch (error) {
    if (proxy === undefined || isTls(gateway)) throw error
    if (!(error instanceof DialError) || error.failure !== 'proxy-refused') throw error
    // Many proxies connect to port 443 alone, and pass an upgrade to others on when they are asked as for a page.
    return upgradeThrough(proxy, options, signal)
  }
  return orDestroy(path, async () => {
    tuneOrFail(path, tune)
    const below = await secureIfTls(path, gateway, { hop: 'gateway', host, ca: gatewayCa?.ca }, signal)
    return upgrade(options, { createConnection: () => below }, signal)
  })
}

/** Has the proxy ask the gateway, see {@link PlainProxyAgent}. */
async function upgradeThrough(
  proxy: URL,
  options: WebSocketTransportOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  const host = hostOf(proxy)
  const path = await openTcp({ host, port: portOf(proxy) }, options, signal)
  return orDestroy(path, async () => {
    tuneOrFail(path, options.tune)
    const below = await secureIfTls(path, proxy, { hop: 'proxy', host }, signal)
    return upgrade(options, { agent: new PlainProxyAgent(proxy, below) as Agent }, signal)
  })
}

function tuneOrFail(socket: Socket, tune: (socket: Socket) => void): void {
  try {
    tune(socket)
  } catch (error) {
    throw toDialError(error, 'handshake')
  }
}

async function upgrade(
  { gateway, headers }: WebSocketTransportOptions,
  connection: { readonly createConnection: () => Socket } | { readonly agent: Agent },
  signal: AbortSignal,
): Promise<Duplex> {
  const url = new URL(gateway)
  // Both would be shown in errors; credentials go into their header instead.
  url.username = ''
  url.password = ''
  const authorization = basicCredentials(gateway)
  const webSocket = new WebSocket(url, {
    ...connection,
    perMessageDeflate: false,
    maxPayload: MAX_WEB_SOCKET_MESSAGE_BYTES,
    skipUTF8Validation: true,
    headers: { ...(authorization !== undefined && { Authorization: authorization }), ...fieldsOf(headers) },
    // The mask keeps scripts from choosing what a proxy sees (RFC 6455 §10.3). Here that is TLS, which nobody chooses, and a
    // mask of zeros saves going over every byte.
    generateMask: (mask: Buffer) => mask.fill(0),
  })
  webSocket.once('unexpected-response', (_, { statusCode = 0, statusMessage = '' }) => {
    const text = `gateway answered the upgrade with ${statusCode} ${statusMessage}`.trimEnd()
    webSocket.emit('error', new DialError('proxy-refused', text))
  })
  let stream: WebSocketStream | undefined
  // At once, or a message right behind the answer would find no listener.
  webSocket.once('open', () => {
    stream = new WebSocketStream(webSocket)
  })
  await untilConnected(webSocket, {
    signal,
    event: 'open',
    toError: (error) => (error instanceof DialError ? error : gatewayFailure(error)),
    destroy: () => webSocket.terminate(),
  })
  return stream as WebSocketStream
}

function gatewayFailure(error: Error): DialError {
  const { failure, message } = toDialError(error, 'proxy-garbage')
  return new DialError(failure, `gateway: ${message}`, error)
}

/** Fields of one name become one, which means the same (RFC 9110 §5.3). */
function fieldsOf(headers: readonly HttpHeader[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const { name, value } of headers) fields[name] = name in fields ? `${fields[name]}, ${value}` : value
  return fields
}
