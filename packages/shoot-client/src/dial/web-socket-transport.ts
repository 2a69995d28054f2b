import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HttpHeader } from '@reversed-vpn/daemon'
import { DialError, toDialError } from '@reversed-vpn/secure'
import { MAX_WEB_SOCKET_MESSAGE_BYTES, type Transport, WebSocketStream } from '@reversed-vpn/session'
import { HttpProxyAgent } from 'http-proxy-agent'
import { type ClientOptions, WebSocket } from 'ws'
import { byProxy, hostOf, openWay, portOf } from './open-way.js'
import { secureHop } from './secure-hop.js'

export interface WebSocketTransportOptions {
  /** `ws://HOST:PORT/PATH`, or `wss://`. */
  readonly gateway: URL
  /** Authorities of a `wss://` gateway, PEM; asked for with every dial. @default those that Node knows */
  readonly gatewayCa?: (() => string | undefined) | undefined
  /** In front of the gateway. */
  readonly proxy?: URL | undefined
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
  let way: Socket
  try {
    way = await openWay({ host, port: portOf(gateway) }, proxy, signal)
  } catch (error) {
    const canAskOtherwise = proxy !== undefined && gateway.protocol === 'ws:'
    if (!canAskOtherwise || !(error instanceof DialError) || error.failure !== 'proxy-refused') throw error
    // Many proxies connect to port 443 alone, and pass an upgrade to others on when they are asked as for a page.
    return upgrade(options, { agent: new HttpProxyAgent(proxy) as Agent }, signal)
  }
  try {
    tune(way)
  } catch (error) {
    way.destroy()
    throw toDialError(error, 'handshake')
  }
  const isTls = gateway.protocol === 'wss:'
  const below = isTls ? await secureHop(way, { hop: 'gateway', host, ca: gatewayCa?.() }, signal) : way
  return upgrade(options, { createConnection: () => below }, signal)
}

function upgrade(
  { gateway, headers }: WebSocketTransportOptions,
  way: Pick<ClientOptions, 'agent' | 'createConnection'>,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const { username, password } = gateway
    const url = new URL(gateway)
    // Both would be shown in errors; credentials go into their header instead.
    url.username = ''
    url.password = ''
    const clientOptions: ClientOptions = {
      ...way,
      perMessageDeflate: false,
      maxPayload: MAX_WEB_SOCKET_MESSAGE_BYTES,
      skipUTF8Validation: true,
      headers: fieldsOf(headers),
      ...(username === '' ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }),
      // The mask keeps scripts from choosing what a proxy sees (RFC 6455 §10.3). Here that is TLS, which nobody chooses, and a mask of
      // zeros saves going over every byte.
      generateMask: (mask: Buffer) => mask.fill(0),
    }
    const webSocket = new WebSocket(url, clientOptions)
    const settle = () => {
      signal.removeEventListener('abort', onAbort)
      webSocket.off('unexpected-response', onRefused).off('error', onError)
    }
    const fail = (error: Error) => {
      settle()
      webSocket.on('error', () => {})
      webSocket.terminate()
      reject(error)
    }
    const onAbort = () => fail(signal.reason as Error)
    const onError = (error: Error) => {
      const failure = toDialError(error, 'proxy-garbage')
      fail(new DialError(failure.failure, `gateway: ${failure.message}`, error))
    }
    const onRefused = (
      _: unknown,
      { statusCode = 0, statusMessage = '' }: { statusCode?: number; statusMessage?: string },
    ) => {
      const text = `gateway answered the upgrade with ${statusCode} ${statusMessage}`.trimEnd()
      fail(new DialError('proxy-refused', text))
    }
    webSocket.on('unexpected-response', onRefused).on('error', onError)
    webSocket.once('open', () => {
      settle()
      resolve(new WebSocketStream(webSocket))
    })
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Fields of one name become one, which means the same (RFC 9110 §5.3). */
function fieldsOf(headers: readonly HttpHeader[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const { name, value } of headers) fields[name] = name in fields ? `${fields[name]}, ${value}` : value
  return fields
}
