import { createServer, type Server, type Socket } from 'node:net'
import {
  Admission,
  answerAndClose,
  type RequestFlaw,
  RequestReader,
  remoteAddressOf,
  requestTarget,
} from '@reversed-vpn/relay'
import type { Registry } from 'prom-client'
import { type AdminAnswer, answerHead, textAnswer } from './admin-answer.js'
import { listenOn } from './listen.js'
import type { Logger } from './logger.js'
import type { Endpoint } from './options/endpoint.js'
import { SharedRead } from './shared-read.js'

/** Whether the daemon can serve. `reasons` say why not; the answer has one per line. */
interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

export interface AdminServerOptions {
  readonly endpoint: Endpoint
  /** Ends the look-up of a name to listen on. @default never fires */
  readonly signal?: AbortSignal
  readonly registry: Registry
  readonly log: Logger
  /** Asked for `/readyz`, once at a time. */
  readonly readiness: () => Readiness | Promise<Readiness>
  /** Asked for `/status`, once at a time. Must be JSON and hold no secret. */
  readonly status: () => unknown
}

const MAX_HEADER_BYTES = 8192
/** One more drops the oldest, so that a health check gets through whatever else is open. */
const MAX_CONNECTIONS = 64
const MAX_CONNECTIONS_PER_SOURCE = 48
const HEADER_TIMEOUT_MS = 5000
/** How long a client may take to read its answer and close. */
const ANSWER_TIMEOUT_MS = 10_000
const CLOSE_DEADLINE_MS = 2000

const FLAWS = {
  'header-too-long': textAnswer(431, 'header too long\n'),
  malformed: textAnswer(400, 'bad request\n'),
} as const satisfies Record<Exclude<RequestFlaw, 'left'>, AdminAnswer>

/**
 * Serves GET and HEAD of `/metrics` (Prometheus), `/healthz` (the process responds), `/readyz` (200, or 503 with reasons) and
 * `/status` (JSON), one request for each connection. There is no authentication: listen where only operators can connect, and
 * serve no secrets. What anybody can make it do is bounded in connections, bytes and time.
 */
export class AdminServer {
  readonly #options: AdminServerOptions
  readonly #server: Server
  readonly #reader = new RequestReader(MAX_HEADER_BYTES)
  readonly #admission = new Admission<Socket>({
    max: MAX_CONNECTIONS,
    maxPerSource: MAX_CONNECTIONS_PER_SOURCE,
    whenFull: 'drop-oldest',
  })
  /** Connections whose request is not there yet. */
  readonly #waiting = new Set<Socket>()
  readonly #routes: ReadonlyMap<string, () => AdminAnswer | Promise<AdminAnswer>>
  #closing: Promise<void> | undefined

  constructor(options: AdminServerOptions) {
    this.#options = options
    const { registry } = options
    const shared = (read: () => AdminAnswer | Promise<AdminAnswer>) => {
      const answer = new SharedRead(read)
      return () => answer.get()
    }
    this.#routes = new Map<string, () => AdminAnswer | Promise<AdminAnswer>>([
      ['/healthz', () => textAnswer(200, 'ok\n')],
      [
        '/metrics',
        shared(async () => ({
          code: 200,
          type: registry.contentType,
          body: Buffer.from(await registry.metrics()),
        })),
      ],
      ['/readyz', shared(async () => readinessAnswer(await options.readiness()))],
      ['/status', shared(async () => statusAnswer(await options.status()))],
    ])
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket),
    )
  }

  /**
   * Resolves with the bound address once connections are accepted.
   * @throws EnvironmentError when it cannot listen
   */
  async listen(): Promise<Endpoint> {
    const { endpoint, signal } = this.#options
    const bound = await listenOn(this.#server, endpoint, signal === undefined ? {} : { signal })
    this.#server.on('error', (error) =>
      this.#options.log.error({ err: error }, 'admin server failed to accept'),
    )
    return bound
  }

  /** Accepts no more connections, lets open requests finish, and cuts them off at the deadline. Idempotent. */
  close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    this.#closing ??= this.#shutDown(deadlineMs)
    return this.#closing
  }

  #shutDown(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.#admission.destroyAll(), deadlineMs)
      // An error means that it never listened, so there is nothing to close.
      this.#server.close(() => {
        clearTimeout(deadline)
        resolve()
      })
      for (const socket of this.#waiting) socket.destroy()
    })
  }

  #onConnection(socket: Socket): void {
    const address = remoteAddressOf(socket)
    this.#admission.attribute(this.#admission.enter(socket, address), address)
    const timer = setTimeout(() => socket.destroy(), HEADER_TIMEOUT_MS)
    this.#waiting.add(socket)
    const stopWaiting = () => {
      clearTimeout(timer)
      this.#waiting.delete(socket)
    }
    socket.once('close', stopWaiting)
    this.#reader.read(socket, {
      onRequest: (request) => {
        stopWaiting()
        const { path } = requestTarget(request)
        void this.#respond(socket, request.method, path.split('?', 1)[0] ?? path)
      },
      onFlaw: (flaw) => {
        stopWaiting()
        if (flaw === 'left') socket.destroy()
        else this.#send(socket, FLAWS[flaw], true)
      },
    })
  }

  async #respond(socket: Socket, method: string | undefined, path: string): Promise<void> {
    let answer: AdminAnswer
    try {
      answer = await this.#answer(method, path)
    } catch (error) {
      this.#options.log.error({ err: error, path }, 'admin request failed')
      answer = textAnswer(500, 'internal error\n')
    }
    this.#send(socket, answer, method !== 'HEAD')
  }

  /** The body is one buffer for all who get the same answer. */
  #send(socket: Socket, answer: AdminAnswer, hasBody: boolean): void {
    socket.cork()
    socket.write(answerHead(answer), 'latin1')
    answerAndClose(socket, hasBody ? answer.body : '', { lingerMs: ANSWER_TIMEOUT_MS })
    socket.uncork()
  }

  #answer(method: string | undefined, path: string): AdminAnswer | Promise<AdminAnswer> {
    const route = this.#routes.get(path)
    if (!route) return textAnswer(404, 'not found\n')
    if (method !== 'GET' && method !== 'HEAD') return textAnswer(405, 'method not allowed\n')
    return route()
  }
}

function readinessAnswer({ ready, reasons }: Readiness): AdminAnswer {
  return ready ? textAnswer(200, 'ok\n') : textAnswer(503, reasons.map((reason) => `${reason}\n`).join(''))
}

function statusAnswer(status: unknown): AdminAnswer {
  const body = Buffer.from(`${JSON.stringify(status, undefined, 2)}\n`)
  return { code: 200, type: 'application/json; charset=utf-8', body }
}
