import { MAX_STREAM_ID, TunnelError, writeResume } from '@reversed-vpn/protocol'
import type { Channel } from './channel.js'
import { Fifo } from './fifo.js'
import { LaneLink, type LinkHub, type StreamLane } from './lane-link.js'
import { MAX_GONE_FRAMES, MAX_GONE_LANES, MAX_MISSING_LANES } from './limits.js'
import { NumberSpan } from './number-span.js'
import { giveBackFrame, type SentFrame, takeFrame } from './sent-frame.js'

const RESUME_BYTES = 16

/**
 * The lanes of a multiplexer, also those that are gone and not resumed yet. Gives each channel with something to send to a lane.
 *
 *     up ──gone, RESUME is sent──▶ gone ──RESUME of the peer──▶ forgotten, its lost frames go to others
 */
export class LaneSet {
  readonly #links = new Map<number, LaneLink>()
  readonly #up = new Set<LaneLink>()
  readonly #numbers = new NumberSpan(MAX_MISSING_LANES)
  readonly #common = new Fifo<SentFrame>()
  /** Channels that no lane is there for. */
  readonly #homeless = new Set<Channel>()
  readonly #givesNumbers: boolean
  #isFlushing = false
  resentFrames = 0

  /** @param givesNumbers whether this side gave all numbers, and so knows them */
  constructor(givesNumbers: boolean) {
    this.#givesNumbers = givesNumbers
  }

  get upCount(): number {
    return this.#up.size
  }

  /** Lanes that are gone and not resumed yet. */
  get goneCount(): number {
    return this.#links.size - this.#up.size
  }

  /** @throws TunnelError for a number that was used, or far beyond, or with too many lanes that the peer has not resumed */
  add(number: number, lane: StreamLane, hub: LinkHub): LaneLink {
    if (number > MAX_STREAM_ID || this.#numbers.add(number) !== 'new')
      throw invalid(`lane ${number} was used`)
    if (this.goneCount >= MAX_GONE_LANES) throw invalid(`${this.goneCount} lanes were not resumed`)
    const keptFrames = this.#goneFrames()
    if (keptFrames >= MAX_GONE_FRAMES)
      throw invalid(`${keptFrames} frames of lanes that were not resumed are kept`)
    const link = new LaneLink(number, lane, hub)
    this.#links.set(number, link)
    this.#up.add(link)
    const homeless = [...this.#homeless]
    this.#homeless.clear()
    for (const channel of homeless) this.place(channel)
    this.flushSoon()
    return link
  }

  /** A channel has something to send. */
  place(channel: Channel): void {
    if (channel.isQueued) return
    if (channel.inFlight === 0) channel.link = this.#leastLoaded()
    if (channel.link === undefined) this.#homeless.add(channel)
    else channel.link.queue(channel)
    this.flushSoon()
  }

  /** A lane is gone: says how far it was read, and lets go of channels that are free to leave. */
  lose(link: LaneLink): void {
    this.#up.delete(link)
    this.#say(link.number, link.receivedFrames)
    // At once, and not when the peer resumes this lane: its RESUME may have been lost with a lane that waits for one of these.
    for (const frame of link.copyCommonFrames()) this.#common.push(frame)
    for (const channel of link.scheduler.drain()) this.place(channel)
    this.flushSoon()
  }

  /** The peer has lost a lane, and processed so many frames of it. @throws TunnelError if that cannot be */
  resume(number: number, frames: number): void {
    const link = this.#links.get(number)
    if (link === undefined) {
      this.#resumeUnknown(number, frames)
      return
    }
    if (link.isUp) link.cut(new TunnelError('ERR_PEER_CLOSED', `the peer has lost lane ${number}`))
    link.acknowledged(frames)
    this.#links.delete(number)
    const lost = link.takeLost()
    this.resentFrames += lost.length
    const lostOf = new Map<Channel, SentFrame[]>()
    for (const channel of link.stalled) lostOf.set(channel, [])
    link.stalled.clear()
    for (const frame of lost) {
      const channel = frame.channel as Channel
      if (!lostOf.get(channel)?.push(frame)) lostOf.set(channel, [frame])
    }
    for (const [channel, frames] of lostOf) {
      // Before what an earlier lane took with it and was not sent again yet.
      channel.resend.pushBefore(frames)
      this.place(channel)
    }
    this.flushSoon()
  }

  nextCommonFrame(): SentFrame | undefined {
    return this.#common.shift()
  }

  flushSoon(): void {
    if (this.#isFlushing || this.#up.size === 0) return
    this.#isFlushing = true
    queueMicrotask(() => {
      this.#isFlushing = false
      for (const link of this.#up) link.flush()
    })
  }

  /** Lets go of all lanes; each is failed with `error`. @returns bytes that were kept */
  clear(error: Error): void {
    const links = [...this.#links.values()]
    this.#links.clear()
    this.#homeless.clear()
    this.#common.drain()
    for (const link of links) {
      for (const frame of link.takeLost()) giveBackFrame(frame)
      link.stalled.clear()
      if (link.isUp) link.cut(error)
    }
    this.#up.clear()
    this.#common.drain()
  }

  #leastLoaded(): LaneLink | undefined {
    let least: LaneLink | undefined
    for (const link of this.#up) if (least === undefined || link.keptBytes < least.keptBytes) least = link
    return least
  }

  /** A lane that came up at the other side only; or one that was resumed before, by a RESUME that came twice. */
  #resumeUnknown(number: number, frames: number): void {
    if (this.#numbers.has(number)) return
    if (this.#givesNumbers || frames > 0 || this.#numbers.add(number) !== 'new')
      throw invalid(`RESUME of lane ${number} with ${frames} frames, which is not there`)
    if (this.#common.length >= MAX_GONE_LANES)
      throw invalid(`RESUME of lane ${number}, and ${this.#common.length} answers wait to be sent`)
    this.#say(number, 0)
    this.flushSoon()
  }

  /** Kept for the peer to say how far it got: small ones cost far more than their bytes. */
  #goneFrames(): number {
    let frames = 0
    for (const link of this.#links.values()) if (!link.isUp) frames += link.keptFrames
    return frames
  }

  #say(number: number, frames: number): void {
    const frame = takeFrame(RESUME_BYTES)
    frame.bytes = writeResume(frame.buffer, 0, number, frames)
    this.#common.push(frame)
  }
}

function invalid(message: string): TunnelError {
  return new TunnelError('ERR_STREAM_FRAME_INVALID', message, { closeCode: 'protocol-error' })
}
