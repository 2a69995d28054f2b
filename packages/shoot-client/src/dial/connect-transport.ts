import { type ClientRequest, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { HttpHeader } from '@reversed-vpn/daemon'
import { DialError, type Transport, toDialError } from './transport.js'

export interface ConnectTransportOptions {
  /** `http://HOST:PORT`, or `https://` for TLS up to the gateway. */
  readonly gateway: URL
  /** `HOST:PORT` that CONNECT names. Gateways that route by header ignore it. */
  readonly target: string
  /** Sent with CONNECT, in this order, a name possibly more than once. */
  readonly headers: readonly HttpHeader[]
}

/** HTTP CONNECT through the SNI endpoint (RFC 9110 §9.3.6), which finds the seed-server by a header. */
export function connectTransport(options: ConnectTransportOptions): Transport {
  return {
    description: `CONNECT through ${options.gateway.host}`,
    open: (signal) => openThroughGateway(options, signal),
  }
}

function openThroughGateway(options: ConnectTransportOptions, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = sendConnect(options, signal)
    const fail = (error: DialError) => {
      request.destroy()
      reject(error)
    }
    request.once('connect', (response, socket, head) => {
      const refusal = findRefusal(response.statusCode ?? 0, response.statusMessage ?? '', head.length)
      if (refusal === undefined) {
        resolve(socket as Socket)
        return
      }
      socket.destroy()
      fail(refusal)
    })
    request.once('response', (response) => {
      fail(proxyRefused(response.statusCode ?? 0, response.statusMessage ?? ''))
    })
    request.once('error', (error) => {
      reject(signal.aborted ? (signal.reason as Error) : toDialError(error, 'proxy-garbage'))
    })
    request.end()
  })
}

function sendConnect(options: ConnectTransportOptions, signal: AbortSignal): ClientRequest {
  const { gateway, target } = options
  const isTls = gateway.protocol === 'https:'
  const request = {
    method: 'CONNECT',
    host: gateway.hostname.replace(/^\[|\]$/g, ''),
    port: gateway.port || (isTls ? 443 : 80),
    path: target,
    headers: connectHeaders(options),
    agent: false,
    signal,
  } as const
  return isTls ? requestHttps(request) : requestHttp(request)
}

/** Name and value in turn, which keeps order and repetitions. */
function connectHeaders({ gateway, target, headers }: ConnectTransportOptions): string[] {
  const flat = ['Host', target, ...headers.flatMap(({ name, value }) => [name, value])]
  if (gateway.username === '') return flat
  const credentials = `${decodeURIComponent(gateway.username)}:${decodeURIComponent(gateway.password)}`
  return [...flat, 'Proxy-Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]
}

function findRefusal(status: number, phrase: string, earlyBytes: number): DialError | undefined {
  if (status !== 200) return proxyRefused(status, phrase)
  if (earlyBytes === 0) return undefined
  const text = `gateway sent ${earlyBytes} B behind its 200; a TLS server never speaks first`
  return new DialError('proxy-early-data', text)
}

function proxyRefused(status: number, phrase: string): DialError {
  return new DialError('proxy-refused', `gateway answered CONNECT with ${status} ${phrase}`.trimEnd())
}
