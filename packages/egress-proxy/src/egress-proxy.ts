import type { TLSSocket } from 'node:tls'
import { type Endpoint, type Logger, ownResources, rateLimited } from '@reversed-vpn/daemon'
import {
  ByteBudget,
  type Lookup,
  lookUpAddresses,
  RequestReader,
  type TargetNetworks,
  TargetResolver,
} from '@reversed-vpn/relay'
import { refusalReasonOf, type TlsMaterial } from '@reversed-vpn/secure'
import { type Caller, CallerTable, createCaller } from './callers.js'
import { ConnectHandler } from './connect-handler.js'
import { type EgressListener, type ListenerEvents, openListener } from './egress-listener.js'
import type { EgressMetrics } from './egress-metrics.js'
import { EgressRefusal } from './egress-refusal.js'
import { HoldQueue, type HoldQueueOptions, type TunnelGate } from './hold-queue.js'
import { answerTimeoutMs, EGRESS_LIMITS, type EgressLimits } from './limits.js'
import { readConnect } from './read-connect.js'
import { memoryForStreams, roomForBulk, roomForStreams } from './room.js'
import type { TargetDialler } from './target-dialler.js'
import { type TransferAddresses, TunDialler } from './tun-dialler.js'

/** Judges the certificate of a caller. Called once the handshake has ended and before any byte is parsed. */
type AuthorizeCaller = (
  socket: TLSSocket,
) =>
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly reason: string; readonly detail: string }

export interface EgressProxyOptions extends HoldQueueOptions {
  readonly endpoints: readonly Endpoint[]
  /** Needed for endpoints that are no Unix socket. */
  readonly tls?: TlsMaterial | undefined
  readonly authorizeCaller: AuthorizeCaller
  readonly gate: TunnelGate
  readonly networks: TargetNetworks
  readonly transfer: TransferAddresses
  /** What carries CONNECTs, given what goes through the TUN. @default that */
  readonly chooseDialler?: ((tun: TargetDialler) => TargetDialler) | undefined
  readonly logger: Logger
  readonly metrics: EgressMetrics
  /** @default lookUpAddresses */
  readonly lookup?: Lookup | undefined
  /** Admitted connections at a time, streams included. @default as many as there is room for, at most 5000 */
  readonly connectionsMax?: number | undefined
  /** Bytes of memory that all connections may take. @default what the cgroup leaves beside the tunnel */
  readonly memoryMax?: number | undefined
  /** Others than {@link EGRESS_LIMITS}, so that a test need not wait. */
  readonly limits?: Partial<EgressLimits> | undefined
}

/** Request line and header fields. */
const MAX_HEADER_BYTES = 8192

/** Refused callers are logged once per source in this time. */
const REFUSAL_LOG_INTERVAL_MS = 60_000

/** How many connections beyond `maxConnections` may be open so that they can be told why they are refused. */
const REFUSAL_ROOM = 100

/**
 * The HTTP CONNECT proxy that a kube-apiserver reaches its shoot through. Callers are authenticated but not trusted:
 * everything they send is bounded in size and time. Owns its listeners and all connections on both sides.
 */
export class EgressProxy {
  readonly #options: EgressProxyOptions
  readonly #limits: EgressLimits
  readonly #hold: HoldQueue
  readonly #handler: ConnectHandler
  readonly #logRarely: ReturnType<typeof rateLimited>
  readonly #reader = new RequestReader(MAX_HEADER_BYTES)
  readonly #callers: CallerTable
  readonly #listeners: EgressListener[] = []
  #tls: TlsMaterial | undefined
  #closing: Promise<void> | undefined

  constructor(options: EgressProxyOptions) {
    this.#options = options
    const resources = ownResources()
    const memoryMax = options.memoryMax ?? memoryForStreams(resources)
    const maxConnections = options.connectionsMax ?? roomForStreams(resources, memoryMax)
    this.#limits = { ...EGRESS_LIMITS, maxConnections, ...options.limits }
    this.#tls = options.tls
    this.#logRarely = rateLimited(options.logger, REFUSAL_LOG_INTERVAL_MS)
    this.#hold = new HoldQueue(options.gate, options)
    const resolver = new TargetResolver(options.lookup ?? lookUpAddresses, this.#limits)
    const { metrics, logger, networks, transfer, chooseDialler = (tun) => tun } = options
    const budget = new ByteBudget(roomForBulk(memoryMax))
    this.#handler = new ConnectHandler({
      limits: this.#limits,
      answerTimeoutMs: answerTimeoutMs(options.holdMs, this.#limits),
      hold: this.#hold,
      dialler: chooseDialler(new TunDialler({ transfer, resolver, budget })),
      metrics,
      logger,
      networks,
      budget,
    })
    this.#callers = new CallerTable(this.#limits.headerTimeoutMs)
    metrics.observe(() => ({
      connections: this.#callers.size,
      streams: this.#handler.streams,
      held: this.#hold.size,
      lookups: resolver.active,
      heldBytes: budget.heldBytes,
      paused: budget.paused,
    }))
  }

  /** What was really bound, in the order of the endpoints: with port 0 it has the port that the kernel chose. */
  get endpoints(): readonly Endpoint[] {
    return this.#listeners.map((listener) => listener.endpoint)
  }

  /**
   * Takes callers from now on. To be called once.
   * @param signal ends the look-up of a name to listen on
   * @throws EnvironmentError when an endpoint cannot be bound; none is then
   */
  async listen(signal?: AbortSignal): Promise<void> {
    const { handshakeTimeoutMs, maxConnections } = this.#limits
    const options = { handshakeTimeoutMs, maxConnections: maxConnections + REFUSAL_ROOM, signal }
    try {
      for (const endpoint of this.#options.endpoints) {
        const listener = await openListener(endpoint, { ...options, tls: this.#tls }, this.#listenerEvents())
        this.#listeners.push(listener)
        if (this.#closing) listener.close()
      }
    } catch (error) {
      for (const listener of this.#listeners.splice(0)) listener.close()
      throw error
    }
  }

  /** Counts for every request from now on, held ones included. Streams to where nobody may go any more are reset. */
  setNetworks(networks: TargetNetworks): void {
    this.#handler.setNetworks(networks)
  }

  /**
   * Counts for every handshake from now on.
   * @throws Error of OpenSSL when the material cannot be used: the old one stays
   */
  setTlsMaterial(material: TlsMaterial): void {
    for (const listener of this.#listeners) listener.setTlsMaterial(material)
    this.#tls = material
  }

  /**
   * Takes no more callers, answers 503 to those who are held, lets dials and streams end, and breaks what is left after
   * `graceMs`. Idempotent: later calls settle with the first.
   */
  close(options: { readonly graceMs: number }): Promise<void> {
    this.#closing ??= this.#shutDown(options.graceMs)
    return this.#closing
  }

  /** Breaks every connection now and takes no more. Unsent data is lost. */
  abort(): void {
    void this.close({ graceMs: 0 })
    this.#breakAll()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort()
    await this.#closing
  }

  async #shutDown(graceMs: number): Promise<void> {
    // First the listeners, or new callers would find the rest gone.
    for (const listener of this.#listeners) listener.close()
    this.#callers.destroyIdle()
    // The answers to held requests leave while the streams have their time.
    this.#hold.close()
    const timer = setTimeout(() => this.#breakAll(), graceMs)
    await this.#callers.whenEmpty()
    clearTimeout(timer)
  }

  #breakAll(): void {
    this.#handler.onGraceOver()
    this.#callers.resetAll()
  }

  #listenerEvents(): ListenerEvents {
    const { metrics, logger } = this.#options
    return {
      onTlsCaller: (socket, transport, address) => {
        const verdict = this.#judge(socket)
        if (!verdict.ok) {
          const { reason, detail } = verdict
          metrics.callerRefused(reason)
          this.#logRarely('warn', address, { source: address, reason, detail }, 'egress caller refused')
          socket.destroy()
          return
        }
        const source = `${address} port ${socket.remotePort}`
        this.#admit(createCaller(socket, { name: verdict.name, source, transport }))
      },
      onUnixCaller: (socket, path) => this.#admit(createCaller(socket, { name: 'unix', source: path })),
      onHandshakeFailed: (err, source) => {
        const reason = refusalReasonOf(err, 'tls-failed')
        metrics.connectionFailed('handshake')
        metrics.callerRefused(reason)
        logger.debug({ err, source, reason }, 'egress handshake failed')
      },
      onDrop: () => metrics.connectionFailed('limit'),
      onError: (err) => {
        metrics.connectionFailed('accept')
        logger.error({ err }, 'egress listener failed to accept')
      },
    }
  }

  /** An `authorizeCaller` that throws lets nobody in: what is in a certificate was written by the caller. */
  #judge(socket: TLSSocket): ReturnType<AuthorizeCaller> {
    try {
      return this.#options.authorizeCaller(socket)
    } catch (error) {
      return { ok: false, reason: 'internal', detail: String(error) }
    }
  }

  #admit(caller: Caller): void {
    const { socket } = caller
    // Whoever uses the socket learns of its end from 'close'; an error without a listener would end the process.
    socket.on('error', () => {})
    const { headerTimeoutMs } = this.#limits
    this.#callers.add(caller, () => {
      this.#handler.refuse(
        caller,
        new EgressRefusal('header-timeout', `not complete in ${headerTimeoutMs} ms`),
      )
    })
    readConnect(this.#reader, socket, {
      onConnect: (request, head) => {
        if (!this.#callers.takeRequest(socket)) return
        const refusal = this.#refusalOfState()
        if (refusal) this.#handler.refuse(caller, refusal, request)
        else void this.#handler.handle(caller, request, head)
      },
      onRefused: (refusal, request) => {
        if (this.#callers.takeRequest(socket)) this.#handler.refuse(caller, refusal, request)
      },
    })
  }

  #refusalOfState(): EgressRefusal | undefined {
    if (this.#closing) return new EgressRefusal('shutting-down', 'no more requests are accepted')
    const { maxConnections } = this.#limits
    if (this.#callers.size <= maxConnections) return undefined
    return new EgressRefusal('too-many-connections', `${maxConnections} are open already`)
  }
}
