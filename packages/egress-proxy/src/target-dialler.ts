import type { JoinedEnd } from '@reversed-vpn/relay'
import type { StreamEnd } from './stream-end.js'

/** What is dialled for one CONNECT. */
export interface TargetRequest {
  /** What the caller asked for: a canonical address, or a name. */
  readonly host: string
  readonly port: number
  /** Canonical and permitted, at least one: nothing else may be dialled. Undefined where `resolve` has left the name alone. */
  readonly addresses: readonly string[] | undefined
  /** For all of them together, in ms. */
  readonly timeoutMs: number
  /** Aborts when the caller has left. */
  readonly signal: AbortSignal
}

/** The far end of a stream. Half-open and paused, with a listener that swallows errors. */
export interface DialledTarget extends JoinedEnd {
  /** The address that answered, canonical. */
  readonly address: string
  /** What carries it. */
  readonly carrier: 'tun' | 'stream'
  /** How it ended, where what carries it knows more than that it broke. */
  readonly end?: StreamEnd | undefined
}

/**
 * What carries a CONNECT into the shoot. Everything else is the same whatever carries it: parsing, policy, hold, answers, access
 * log, metrics.
 */
export interface TargetDialler {
  /**
   * Finds the addresses of a name. Asked before the tunnel is waited for, so that a prohibited target is refused at once.
   *
   * @returns at least one address, unchecked; undefined where whoever dials looks the name up: the address is checked then once
   *   it was dialled
   * @throws TargetRefusal `no-address`, `lookup-timeout` or `too-many-lookups`
   * @throws the signal's reason when that aborts
   */
  resolve(name: string, signal: AbortSignal): Promise<readonly string[] | undefined>
  /**
   * Asked once the tunnel is up.
   *
   * @throws TargetRefusal when the target is not reached, EgressRefusal when what carries it fails
   * @throws the signal's reason when that aborts
   */
  dial(request: TargetRequest): Promise<DialledTarget>
}
