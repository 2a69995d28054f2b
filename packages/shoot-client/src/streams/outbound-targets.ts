import type { Duplex } from 'node:stream'
import { joinSockets, type TargetNetworks } from '@reversed-vpn/relay'
import { OutboundDialler, type OutboundDiallerOptions, type OutboundRequest } from './outbound-dialler.js'
import { OutboundRefusal, type OutboundRefusalReason } from './outbound-refusal.js'
import { OpenersEnd, type OutboundTarget } from './outbound-target.js'

/** A stream that the seed side wants to have opened. One of `accept` and `refuse` is called, once. */
interface IncomingStream {
  readonly request: OutboundRequest
  /** Aborts when the opener has left. */
  readonly signal: AbortSignal
  /** @returns a half-open stream, or undefined when the opener has left */
  accept(address: string): Duplex | undefined
  refuse(reason: OutboundRefusalReason, detail: string): void
}

/** toShoot: from the opener to the target. toSeed: from the target to the opener. */
type Direction = 'toShoot' | 'toSeed'

/** What is told of streams as they go on. */
export interface OutboundEvents {
  readonly onRefused: (reason: OutboundRefusalReason, error: OutboundRefusal) => void
  /** A dial, its look-up included, has ended after so many seconds, successful or not. */
  readonly onDialled: (seconds: number) => void
  readonly onBytes: (direction: Direction, bytes: number) => void
  readonly onEnded: (outcome: Awaited<ReturnType<typeof joinSockets>>) => void
}

interface OutboundTargetsOptions extends OutboundDiallerOptions {
  /** Streams at a time, those that are being dialled included. */
  readonly maxStreams: number
  /** Dials at a time, look-ups included. */
  readonly maxDials: number
  readonly events: OutboundEvents
}

const NOTHING = Buffer.alloc(0)
/** How long the last bytes of one end may take to be sent once the other is gone. */
const LINGER_MS = 5000

/**
 * Dials what the seed side opens streams to, and joins the two. The seed side is authenticated but not trusted with this
 * network: each address is judged here, and dialled as it was judged.
 */
export class OutboundTargets {
  readonly #options: OutboundTargetsOptions
  readonly #dialler: OutboundDialler
  /** Streams that run now, by their targets. */
  readonly #joined = new Map<OutboundTarget, Duplex>()
  readonly #dials = new Set<AbortController>()
  #isClosing = false
  #onEmpty: (() => void) | undefined

  constructor(options: OutboundTargetsOptions) {
    this.#options = options
    this.#dialler = new OutboundDialler(options)
  }

  /** Streams that run now. */
  get streams(): number {
    return this.#joined.size
  }

  /** Dials under way, look-ups included. */
  get dials(): number {
    return this.#dials.size
  }

  /** Counts for every stream from now on. Those to where nobody may go any more are broken. */
  setNetworks(networks: TargetNetworks): void {
    this.#dialler.setNetworks(networks)
    this.#break(
      ({ address }) => !this.#dialler.permits(address),
      new OutboundRefusal('prohibited', "the target is outside the shoot's networks since a reload"),
    )
  }

  /** Serves one stream to its end. Never rejects. */
  async serve(incoming: IncomingStream): Promise<void> {
    const full = this.#refusalOfState()
    if (full !== undefined) {
      this.#refuse(incoming, full)
      return
    }
    const dial = new AbortController()
    const onGone = () => dial.abort(incoming.signal.reason)
    if (incoming.signal.aborted) onGone()
    incoming.signal.addEventListener('abort', onGone, { once: true })
    this.#dials.add(dial)
    const startedAtMs = performance.now()
    let target: OutboundTarget | undefined
    try {
      target = await this.#dialler.dial(incoming.request, dial.signal)
    } catch (error) {
      if (!incoming.signal.aborted) this.#refuse(incoming, OutboundRefusal.of(error))
    } finally {
      incoming.signal.removeEventListener('abort', onGone)
      this.#options.events.onDialled((performance.now() - startedAtMs) / 1000)
    }
    // What is dialled counts until it is joined.
    if (target !== undefined) this.#join(incoming, target)
    this.#dials.delete(dial)
    this.#tellEmpty()
  }

  /** Takes no more streams, lets dials and streams end, and breaks what is left after `graceMs`. */
  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#isClosing = true
    const timer = setTimeout(() => this.abort(), graceMs)
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
      this.#tellEmpty()
    })
    clearTimeout(timer)
  }

  /** Breaks every stream and dial now, and takes no more. */
  abort(): void {
    this.#isClosing = true
    const refusal = new OutboundRefusal('shutting-down', 'the shoot-client ends')
    for (const dial of [...this.#dials]) dial.abort(refusal)
    this.#break(() => true, refusal)
  }

  #join(incoming: IncomingStream, target: OutboundTarget): void {
    const stream = incoming.signal.aborted ? undefined : incoming.accept(target.address)
    if (stream === undefined) {
      target.reset()
      return
    }
    stream.on('error', () => {})
    this.#joined.set(target, stream)
    void this.#run(stream, target)
  }

  async #run(stream: Duplex, target: OutboundTarget): Promise<void> {
    const { budget, events } = this.#options
    const outcome = await joinSockets(new OpenersEnd(stream, target), target, {
      head: NOTHING,
      lingerMs: LINGER_MS,
      budget,
      onClientBytes: (bytes) => events.onBytes('toShoot', bytes),
      onTargetBytes: (bytes) => events.onBytes('toSeed', bytes),
    })
    this.#joined.delete(target)
    events.onEnded(outcome)
    this.#tellEmpty()
  }

  #break(isMeant: (target: OutboundTarget) => boolean, error: OutboundRefusal): void {
    for (const [target, stream] of [...this.#joined]) {
      if (!isMeant(target)) continue
      stream.destroy(error)
      target.reset()
    }
  }

  #refusalOfState(): OutboundRefusal | undefined {
    const { maxStreams, maxDials } = this.#options
    if (this.#isClosing) return new OutboundRefusal('shutting-down', 'no more streams are opened')
    if (this.#joined.size + this.#dials.size >= maxStreams)
      return new OutboundRefusal('too-many-connections', `${maxStreams} streams are open already`)
    if (this.#dials.size >= maxDials)
      return new OutboundRefusal('too-many-connections', `${maxDials} targets are being dialled already`)
    return undefined
  }

  #refuse(incoming: IncomingStream, refusal: OutboundRefusal): void {
    this.#options.events.onRefused(refusal.reason, refusal)
    incoming.refuse(refusal.reason, refusal.detail)
  }

  #tellEmpty(): void {
    if (this.#joined.size + this.#dials.size === 0) this.#onEmpty?.()
  }
}
