import type { Duplex } from 'node:stream'
import type { ByteBudget } from './byte-budget.js'

/**
 * One end of a stream: a half-open socket, or another half-open `Duplex` that emits `close` once both directions have ended or
 * it was destroyed. Paused or flowing, and nobody reads from it yet. It may keep no chunk whose write has called back.
 */
export interface JoinedEnd {
  readonly socket: Duplex
  /** Closes at once and tells the peer that the stream is broken, not over. */
  reset(): void
}

interface JoinOptions {
  /** What the client has said already. The target gets it first. */
  readonly head: Buffer
  /** Written to the client as one write of its own, before anything of the target. @default nothing */
  readonly greeting?: string | undefined
  /** Holds the target's bytes back once the greeting is written, until it calls `proceed`. @default not at all */
  readonly holdBack?: (proceed: () => void) => void
  /** How long what is left for one end may take to be sent once the other is gone, in ms. */
  readonly lingerMs: number
  /**
   * How much may wait for one end, beyond its socket's high-water mark, before the other is no longer read.
   * @default the high-water mark
   */
  readonly maxWaitingBytes?: number
  /** Where what waits for the two ends is counted. @default nowhere */
  readonly budget?: ByteBudget | undefined
  /** Bytes that were read from the client, `head` included. */
  readonly onClientBytes: (bytes: number) => void
  /** Bytes that were read from the target. */
  readonly onTargetBytes: (bytes: number) => void
}

type Side = 'client' | 'target'

/**
 * `ended`: both directions ended in order; the side that ended its own first. `broke`: the side whose connection broke first.
 * `timed-out`: likewise, because it did not answer any more.
 */
type JoinOutcome = `${Side}-${'ended' | 'broke' | 'timed-out'}`

/** What a connection fails with whose other end stays silent. TCP reports the last ICMP error where there was one. */
const SILENCE_CODES: readonly unknown[] = ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']

/**
 * Copies both ways until both sockets are closed. The end of one direction is passed on alone (half-close); an end that breaks
 * breaks the other one, after what it sent was handed over. Memory is bounded by the buffers of the sockets: who does not read is
 * not read for.
 */
export async function joinSockets(
  client: JoinedEnd,
  target: JoinedEnd,
  options: JoinOptions,
): Promise<JoinOutcome> {
  const { head, greeting, holdBack, lingerMs, maxWaitingBytes = 0, budget } = options
  const { onClientBytes, onTargetBytes } = options
  let firstEnded: Side | undefined
  let broken: JoinOutcome | undefined
  const watch = (side: Side, socket: Duplex, other: JoinedEnd) => {
    const onEnded = () => {
      firstEnded ??= side
    }
    if (socket.readableEnded) onEnded()
    else socket.once('end', onEnded)
    return closeWith(socket, other, lingerMs, () => {
      broken ??= `${side}-${isSilent(socket) ? 'timed-out' : 'broke'}`
    })
  }
  const closed = Promise.all([watch('client', client.socket, target), watch('target', target.socket, client)])
  if (head.length > 0) {
    onClientBytes(head.length)
    target.socket.write(head)
  }
  const copy = () => {
    const copyBack = () =>
      pump(target.socket, client.socket, { maxWaitingBytes, budget, onBytes: onTargetBytes })
    if (holdBack === undefined) copyBack()
    else holdBack(copyBack)
    pump(client.socket, target.socket, { maxWaitingBytes, budget, onBytes: onClientBytes })
  }
  if (greeting === undefined) copy()
  // The write is on its own in the kernel, and in a TLS record of its own, when its callback runs.
  else
    client.socket.write(greeting, 'latin1', (error) => {
      if (!error) copy()
    })
  await closed
  return broken ?? `${firstEnded ?? 'client'}-ended`
}

function isSilent(socket: Duplex): boolean {
  return SILENCE_CODES.includes((socket.errored as NodeJS.ErrnoException | null)?.code)
}

interface PumpOptions {
  readonly maxWaitingBytes: number
  readonly budget: ByteBudget | undefined
  readonly onBytes: (bytes: number) => void
}

function pump(from: Duplex, to: Duplex, { maxWaitingBytes, budget, onBytes }: PumpOptions): void {
  if (from.destroyed) return
  if (from.readableEnded) {
    to.end()
    return
  }
  let isPaused = false
  const setPaused = (wanted: boolean) => {
    if (wanted) from.pause()
    else from.resume()
    if (wanted !== isPaused) budget?.countPaused(wanted ? 1 : -1)
    isPaused = wanted
  }
  from.on('end', () => to.end())
  to.on('drain', () => setPaused(false))
  from.once('close', () => setPaused(false))
  from.on('data', (chunk: Buffer) => {
    onBytes(chunk.length)
    budget?.hold(chunk)
    const isTaking = to.write(chunk, budget && (() => budget.letGo(chunk)))
    if (!isTaking && to.writableLength >= maxWaitingBytes) setPaused(true)
  })
  setPaused(to.writableNeedDrain)
}

/** Resolves when `socket` is closed. Where it did not end in both directions it calls `onBroken` and breaks `other`. */
function closeWith(socket: Duplex, other: JoinedEnd, lingerMs: number, onBroken: () => void): Promise<void> {
  return new Promise((resolve) => {
    const onClose = () => {
      if (!socket.readableEnded || !socket.writableFinished) {
        onBroken()
        breakOther(socket, other, lingerMs)
      }
      resolve()
    }
    if (socket.destroyed) onClose()
    else socket.once('close', onClose)
  })
}

/**
 * A FIN to `other` would make a torn stream look whole, so it is reset, but not before it was sent what `broken` had said.
 * Where `broken` had said all, that much is whole, and `other` gets it with the end behind it.
 */
function breakOther(broken: Duplex, other: JoinedEnd, lingerMs: number): void {
  const { socket } = other
  if (socket.destroyed) return
  // Nobody takes what `other` still says; unread, it would turn its close into a reset that overtakes the tail.
  socket.removeAllListeners('data')
  socket.resume()
  if (socket.writableEnded) {
    if (socket.writableFinished) resetAfter(other, lingerMs)
    else socket.once('finish', () => resetAfter(other, lingerMs))
    return
  }
  for (let chunk = broken.read(); chunk !== null; chunk = broken.read()) socket.write(chunk)
  if (socket.writableLength === 0) {
    other.reset()
    return
  }
  resetAfter(other, lingerMs)
  socket.write('', () => other.reset())
}

function resetAfter(end: JoinedEnd, lingerMs: number): void {
  const timer = setTimeout(() => end.reset(), lingerMs)
  end.socket.once('close', () => clearTimeout(timer))
}
