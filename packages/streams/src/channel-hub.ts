import type { FrameView, OpenRequest, RefusedReason } from '@reversed-vpn/protocol'
import type { StreamCounters } from './stream-counters.js'
import type { StreamError } from './stream-error.js'

/** The first frame that one side sends of a stream. */
export type Head =
  | { readonly name: 'OPEN'; readonly request: OpenRequest }
  | { readonly name: 'OPENED'; readonly address: string }
  | { readonly name: 'REFUSED'; readonly reason: RefusedReason; readonly detail: string }

/** The lane that a channel goes by. */
export interface Carrier<Channel> {
  readonly isUp: boolean
  readonly rttMs: number | undefined
  /** Lets a channel send; once the lane is gone, keeps it until the peer has said how far it got. */
  queue(channel: Channel): void
}

/** What the multiplexer does for its channels. */
export interface ChannelHub<Channel> {
  readonly nowMs: () => number
  readonly counters: StreamCounters
  /** Whether data may be kept, or what is kept has to be acknowledged first; then the channel is called ready later. */
  mayKeepData(channel: Channel): boolean
  /** The id that an OPEN gets as it is made. */
  nextId(channel: Channel): number
  /** The channel has something to send. */
  ready(channel: Channel): void
  /** Nothing more comes or goes on it, but for frames that were lost. */
  ended(channel: Channel): void
}

/** Who waits for a channel to open. Nothing is called after `onFailed`. */
export interface ChannelWaiter {
  /** The peer has dialled. Only on the opener's side. */
  onOpened(address: string): void
  /** It was refused or reset before there was a user. */
  onFailed(error: StreamError): void
}

/** Whom an open channel serves. Nothing is called after `receiveReset`. */
export interface ChannelUser {
  /** `view` is valid until the call returns. */
  receiveData(view: FrameView): void
  receiveEnd(): void
  receiveReset(error: StreamError): void
}
