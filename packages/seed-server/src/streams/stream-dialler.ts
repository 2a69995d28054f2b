import type { Duplex } from 'node:stream'
import {
  type DialledTarget,
  EgressRefusal,
  type TargetDialler,
  type TargetRequest,
} from '@reversed-vpn/egress-proxy'
import type { OpenRequest, RefusedReason } from '@reversed-vpn/protocol'
import { StreamError } from '@reversed-vpn/streams'

/** What is wanted of a multiplexer. */
export interface StreamOpener {
  open(
    request: OpenRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<Duplex & { readonly address: string }>
}

interface StreamDiallerOptions {
  /** Of the shoot side that is active now; undefined while there is none. */
  readonly opener: () => StreamOpener | undefined
  /** Looks names up where this process runs. */
  readonly resolver: Pick<TargetDialler, 'resolve'>
}

/** Where another address of the same name may do better. */
const OF_ONE_ADDRESS: readonly string[] = ['refused', 'unreachable', 'dial-failed']

/** Those of the shoot side that callers know by another name. */
const REASONS: { readonly [reason in RefusedReason]?: EgressRefusal['reason'] } = {
  'out-of-descriptors': 'too-many-connections',
  'shutting-down': 'tunnel-down',
  internal: 'dial-failed',
}

/** Has the shoot side dial, and carries the connection as a stream. */
export class StreamDialler implements TargetDialler {
  readonly #options: StreamDiallerOptions

  constructor(options: StreamDiallerOptions) {
    this.#options = options
  }

  resolve(name: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
    return this.#options.resolver.resolve(name, signal)
  }

  async dial({ host, port, addresses, timeoutMs, signal }: TargetRequest): Promise<DialledTarget> {
    signal.throwIfAborted()
    const dial = new AbortController()
    const onAbort = () => dial.abort(signal.reason)
    const refusal = () => new EgressRefusal('dial-timeout', `no answer within ${timeoutMs} ms`)
    const timer = setTimeout(() => dial.abort(refusal()), timeoutMs)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (addresses === undefined) return await this.#open({ host, port, isName: true }, dial.signal)
      return await this.#openFirst(addresses, port, dial.signal)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** One after the other: the shoot side is asked for one address at a time, so that it is the one that was permitted. */
  async #openFirst(addresses: readonly string[], port: number, signal: AbortSignal): Promise<DialledTarget> {
    let last: unknown
    for (const host of addresses) {
      try {
        return await this.#open({ host, port, isName: false }, signal)
      } catch (error) {
        last = error
        if (!(error instanceof EgressRefusal && OF_ONE_ADDRESS.includes(error.reason))) throw error
      }
    }
    throw last
  }

  async #open(request: OpenRequest, signal: AbortSignal): Promise<DialledTarget> {
    const opener = this.#options.opener()
    if (opener === undefined) throw new EgressRefusal('tunnel-down', 'no shoot-client that carries streams')
    const stream = await opener.open(request, { signal }).catch((error: unknown) => {
      throw error instanceof StreamError ? refusalOf(error) : error
    })
    const target = new StreamTarget(stream, stream.address)
    if (signal.aborted) {
      target.reset()
      throw signal.reason
    }
    if (request.isName || stream.address === request.host) return target
    target.reset()
    throw new EgressRefusal(
      'dial-failed',
      `the shoot-client has dialled ${stream.address} instead of ${request.host}`,
    )
  }
}

/** Where the tunnel knows better than its end tells. */
const END_OF_REASON: { readonly [reason in StreamError['reason']]?: DialledTarget['end'] } = {
  'timed-out': 'target-timed-out',
  'lanes-lost': 'tunnel-lost',
  'shutting-down': 'tunnel-lost',
}

class StreamTarget implements DialledTarget {
  readonly socket: Duplex
  readonly address: string

  readonly carrier = 'stream'

  constructor(stream: Duplex, address: string) {
    this.socket = stream
    this.address = address
  }

  get end(): DialledTarget['end'] {
    const error = this.socket.errored
    return error instanceof StreamError ? END_OF_REASON[error.reason] : undefined
  }

  reset(): void {
    this.socket.destroy()
  }
}

/** The shoot side's reason as the caller is to see it; a stream that ended before it was opened has lost the tunnel. */
function refusalOf(error: StreamError): EgressRefusal {
  if (error.code === 'ERR_STREAM_RESET')
    return new EgressRefusal('tunnel-down', error.message, { cause: error })
  const reason = error.reason as RefusedReason
  const known = REASONS[reason] ?? (reason as EgressRefusal['reason'])
  const detail = error.isOfPeer ? `the shoot-client says: ${error.message}` : error.message
  return new EgressRefusal(known, detail, { cause: error })
}
