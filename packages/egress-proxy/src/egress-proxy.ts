import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { refusalReasonOf } from '@reversed-vpn/secure'
import { type Caller, createCaller } from './caller.js'
import { type CallerRefusal, CallerRefusalLog } from './caller-refusals.js'
import { CallerTable } from './caller-table.js'
import { ConnectHandler } from './connect-handler.js'
import type { EgressNetworks } from './destination-policy.js'
import type { TransferAddresses } from './dial.js'
import {
  type EgressEndpoint,
  type EgressListener,
  type EgressTlsMaterial,
  type ListenerEvents,
  openListener,
} from './egress-listener.js'
import type { EgressLogger } from './egress-log.js'
import type { EgressMetrics } from './egress-metrics.js'
import { type EgressLimits, resolveEgressLimits } from './egress-options.js'
import { EgressRefusal } from './egress-refusal.js'
import { HoldQueue, type TunnelGate } from './hold-queue.js'
import { createRequestParser } from './request-parser.js'
import { type Lookup, lookupWithSystem, TargetResolver } from './target-resolver.js'

/** Looks at a caller's certificate. Called once the handshake has ended and before any byte is parsed. */
export type AuthoriseCaller = (
  socket: TLSSocket,
) => { readonly ok: true; readonly name: string } | ({ readonly ok: false } & CallerRefusal)

export interface EgressProxyOptions {
  readonly endpoints: readonly EgressEndpoint[]
  /** Needed for endpoints that are no Unix socket. */
  readonly tls?: EgressTlsMaterial | undefined
  readonly authoriseCaller: AuthoriseCaller
  readonly gate: TunnelGate
  readonly networks: EgressNetworks
  readonly transfer: TransferAddresses
  readonly logger: EgressLogger
  readonly metrics: EgressMetrics
  /** @default lookupWithSystem */
  readonly lookup?: Lookup | undefined
  readonly limits?: Partial<EgressLimits> | undefined
}

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
  readonly #refusalLog: CallerRefusalLog
  readonly #parser: Server
  readonly #callers: CallerTable
  readonly #listeners: EgressListener[] = []
  #networks: EgressNetworks
  #transfer: TransferAddresses
  #tls: EgressTlsMaterial | undefined
  #closing: Promise<void> | undefined

  /** @throws RangeError when a limit is out of range */
  constructor(options: EgressProxyOptions) {
    this.#options = options
    this.#limits = resolveEgressLimits(options.limits)
    this.#networks = options.networks
    this.#transfer = options.transfer
    this.#tls = options.tls
    this.#refusalLog = new CallerRefusalLog(options.logger, this.#limits.refusalLogIntervalMs)
    this.#hold = new HoldQueue(options.gate, this.#limits)
    const resolver = new TargetResolver({ lookup: options.lookup ?? lookupWithSystem, ...this.#limits })
    this.#handler = new ConnectHandler({
      limits: this.#limits,
      hold: this.#hold,
      resolver,
      metrics: options.metrics,
      logger: options.logger,
      networks: () => this.#networks,
      transfer: () => this.#transfer,
    })
    this.#callers = new CallerTable(this.#limits.headerTimeoutMs)
    this.#parser = this.#createParser()
    options.metrics.observe(() => ({
      connections: this.#callers.size,
      streams: this.#handler.streams,
      held: this.#hold.size,
      lookups: resolver.active,
    }))
  }

  /** Where callers are taken: host and port really bound, or the path of a Unix socket; in the order of the endpoints. */
  get addresses(): readonly (AddressInfo | string)[] {
    return this.#listeners.map((listener) => listener.address)
  }

  /**
   * Takes callers from now on. To be called once.
   * @throws the system's error when an endpoint cannot be bound; none is then
   */
  async listen(): Promise<void> {
    const { handshakeTimeoutMs, maxConnections } = this.#limits
    const options = { handshakeTimeoutMs, maxConnections: maxConnections + REFUSAL_ROOM }
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

  /** Counts for every request from now on, those that are held included. Streams to where nobody may go any more are broken. */
  setNetworks(networks: EgressNetworks): void {
    this.#networks = networks
    this.#handler.resetProhibited()
  }

  /** Counts for every dial from now on. */
  setTransferAddresses(transfer: TransferAddresses): void {
    this.#transfer = transfer
  }

  /**
   * Counts for every handshake from now on.
   * @throws Error of OpenSSL when it is no usable material: the old one stays
   */
  setTlsMaterial(material: EgressTlsMaterial): void {
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
    this.#callers.resetAll()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort()
    await this.#closing
  }

  async #shutDown(graceMs: number): Promise<void> {
    // First the listeners, or new callers would find the rest gone.
    for (const listener of this.#listeners) listener.close()
    this.#callers.destroyIdle()
    // The held last of the quick ones: their answers are on the way while the streams have their time.
    this.#hold.close()
    const timer = setTimeout(() => this.#callers.resetAll(), graceMs)
    await this.#callers.whenEmpty()
    clearTimeout(timer)
  }

  #listenerEvents(): ListenerEvents {
    const { metrics, logger } = this.#options
    return {
      onTlsCaller: (socket, transport) => {
        const address = socket.remoteAddress ?? 'unknown'
        const verdict = this.#judge(socket)
        if (!verdict.ok) {
          metrics.callerRefused(verdict.reason)
          this.#refusalLog.record(address, verdict)
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

  /** The authoriser's verdict. One that throws lets nobody in: what is in a certificate was written by the caller. */
  #judge(socket: TLSSocket): ReturnType<AuthoriseCaller> {
    try {
      return this.#options.authoriseCaller(socket)
    } catch (error) {
      return { ok: false, reason: 'internal', detail: String(error) }
    }
  }

  #admit(caller: Caller): void {
    const { socket } = caller
    // Whoever uses the socket learns of its end from 'close'; an error nobody hears would end the process.
    socket.on('error', () => {})
    const { headerTimeoutMs } = this.#limits
    this.#callers.add(caller, () => {
      this.#handler.refuse(
        caller,
        new EgressRefusal('header-timeout', `not complete in ${headerTimeoutMs} ms`),
      )
    })
    this.#parser.emit('connection', socket)
  }

  #createParser(): Server {
    return createRequestParser(this.#limits.maxHeaderBytes, {
      onConnect: (socket, request, head) => {
        const caller = this.#callers.takeRequest(socket)
        if (!caller) return
        const refusal = this.#refusalOfState()
        if (refusal) this.#handler.refuse(caller, refusal, request)
        else void this.#handler.handle(caller, request, head)
      },
      onRefused: (socket, refusal, request) => {
        const caller = this.#callers.takeRequest(socket)
        if (caller) this.#handler.refuse(caller, refusal, request)
      },
    })
  }

  #refusalOfState(): EgressRefusal | undefined {
    if (this.#closing) return new EgressRefusal('shutting-down', 'not taking requests any more')
    const { maxConnections } = this.#limits
    if (this.#callers.size <= maxConnections) return undefined
    return new EgressRefusal('too-many-connections', `${maxConnections} are open already`)
  }
}
