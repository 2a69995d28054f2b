import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { listenOn } from './listen.js'
import type { Logger } from './logger.js'
import type { Endpoint } from './options/endpoint.js'

/** Whether the daemon can serve. `reasons` say why not; the answer has one per line. */
export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

export interface AdminServerOptions {
  readonly endpoint: Endpoint
  readonly registry: Registry
  readonly log: Logger
  /** Asked for every `/readyz`. */
  readonly readiness: () => Readiness | Promise<Readiness>
  /** Asked for every `/status`. Must be JSON and hold no secret. */
  readonly status: () => unknown
}

interface Answer {
  readonly code: number
  readonly type: string
  readonly body: string
}

const MAX_HEADER_BYTES = 8192
const MAX_CONNECTIONS = 128
/** Limit for the header of a request; the whole request has twice as long. */
const HEADER_TIMEOUT_MS = 5000
/** A connection without traffic for this long is closed. */
const IDLE_TIMEOUT_MS = 30_000
const CLOSE_DEADLINE_MS = 2000

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * Serves GET and HEAD of `/metrics` (Prometheus), `/healthz` (the process responds), `/readyz` (200, or 503 with reasons) and
 * `/status` (JSON). There is no authentication: listen where only operators can connect, and serve no secrets.
 */
export class AdminServer {
  readonly #options: AdminServerOptions
  readonly #server: Server
  #closing: Promise<void> | undefined

  constructor(options: AdminServerOptions) {
    this.#options = options
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        connectionsCheckingInterval: HEADER_TIMEOUT_MS,
      },
      (request, response) => void this.#onRequest(request, response),
    )
    this.#server.headersTimeout = HEADER_TIMEOUT_MS
    this.#server.requestTimeout = 2 * HEADER_TIMEOUT_MS
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.setTimeout(IDLE_TIMEOUT_MS)
  }

  /**
   * Resolves with the bound address once connections are accepted.
   * @throws EnvironmentError when it cannot listen
   */
  listen(): Promise<Endpoint> {
    return listenOn(this.#server, this.#options.endpoint)
  }

  /** Accepts no more connections, lets open requests finish, and cuts them off at the deadline. Idempotent. */
  close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    this.#closing ??= this.#shutDown(deadlineMs)
    return this.#closing
  }

  #shutDown(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.#server.closeAllConnections(), deadlineMs)
      // An error means that it never listened, so there is nothing to close.
      this.#server.close(() => {
        clearTimeout(deadline)
        resolve()
      })
      this.#server.closeIdleConnections()
    })
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '/' } = request
    const path = url.split('?', 1)[0] ?? url
    let answer: Answer
    try {
      answer = await this.#answer(method, path)
    } catch (error) {
      this.#options.log.error({ err: error, path }, 'admin request failed')
      answer = { code: 500, type: TEXT, body: 'internal error\n' }
    }
    response.writeHead(answer.code, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(answer.code === 405 ? { allow: 'GET, HEAD' } : {}),
      // A request body is not read, so a connection that may carry one cannot be reused.
      ...(this.#closing || (method !== 'GET' && method !== 'HEAD') ? { connection: 'close' } : {}),
    })
    response.end(answer.body)
  }

  async #answer(method: string | undefined, path: string): Promise<Answer> {
    const route = this.#route(path)
    if (!route) return { code: 404, type: TEXT, body: 'not found\n' }
    if (method !== 'GET' && method !== 'HEAD') return { code: 405, type: TEXT, body: 'method not allowed\n' }
    return route()
  }

  #route(path: string): (() => Promise<Answer> | Answer) | undefined {
    switch (path) {
      case '/metrics':
        return () => this.#metrics()
      case '/healthz':
        return () => ({ code: 200, type: TEXT, body: 'ok\n' })
      case '/readyz':
        return () => this.#readiness()
      case '/status':
        return () => this.#status()
      default:
        return undefined
    }
  }

  async #metrics(): Promise<Answer> {
    const { registry } = this.#options
    return { code: 200, type: registry.contentType, body: await registry.metrics() }
  }

  async #readiness(): Promise<Answer> {
    const { ready, reasons } = await this.#options.readiness()
    if (ready) return { code: 200, type: TEXT, body: 'ok\n' }
    return { code: 503, type: TEXT, body: reasons.map((reason) => `${reason}\n`).join('') }
  }

  async #status(): Promise<Answer> {
    return {
      code: 200,
      type: JSON_TYPE,
      body: `${JSON.stringify(await this.#options.status(), undefined, 2)}\n`,
    }
  }
}
