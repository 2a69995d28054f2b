import type { Socket } from 'node:net'
import { hasReadAll } from '@reversed-vpn/relay'

/** Nothing tells when the other end of a Unix socket reads. */
const LOOK_EVERY_MS = 1

/** toShoot: from the caller to the target. toSeed: from the target to the caller. */
export type Direction = 'toShoot' | 'toSeed'

/** One end of a stream: a half-open socket that nobody reads from yet. */
export interface SpliceEnd {
  readonly socket: Socket
  /** Closes at once, telling the peer that the stream is broken rather than over. */
  reset(): void
}

export interface SpliceOptions {
  /** What the caller sent behind the head of its request; the target gets it first. */
  readonly head: Buffer
  /** Written to the caller as one write before anything of the target. */
  readonly greeting: string
  /**
   * The target's bytes are held back until the caller has read the greeting, but no longer than this, in ms; 0 not at all. For Unix
   * sockets, which have no records, so that the caller might read both at once.
   */
  readonly holdBackMs: number
  /** How long what is left for one end may take to be sent once the other is gone, in ms. */
  readonly lingerMs: number
  readonly onBytes: (direction: Direction, bytes: number) => void
}

/**
 * Copies both ways until both ends are closed. The end of one direction is passed on alone (half-close); an end that breaks
 * breaks the other one, after what it sent was handed over. Memory is bounded by the buffers of the sockets.
 *
 * @returns whether both directions ended in order
 */
export async function splice(caller: SpliceEnd, target: SpliceEnd, options: SpliceOptions): Promise<boolean> {
  const { onBytes, lingerMs } = options
  const closed = Promise.all([
    closeWith(caller.socket, target, lingerMs),
    closeWith(target.socket, caller, lingerMs),
  ])
  if (options.head.length > 0) {
    onBytes('toShoot', options.head.length)
    target.socket.write(options.head)
  }
  // The write is on its own in the kernel, and in a TLS record of its own, when its callback runs.
  caller.socket.write(options.greeting, 'latin1', (error) => {
    if (error) return
    afterHoldBack(caller.socket, options.holdBackMs, () => {
      pump(target.socket, caller.socket, (bytes) => onBytes('toSeed', bytes))
    })
    pump(caller.socket, target.socket, (bytes) => onBytes('toShoot', bytes))
  })
  const results = await closed
  return results.every(Boolean)
}

function pump(from: Socket, to: Socket, onBytes: (bytes: number) => void): void {
  if (from.destroyed) return
  if (from.readableEnded) {
    to.end()
    return
  }
  from.on('end', () => to.end())
  to.on('drain', () => from.resume())
  from.on('data', (chunk: Buffer) => {
    onBytes(chunk.length)
    if (!to.write(chunk)) from.pause()
  })
  if (to.writableNeedDrain) from.pause()
}

function afterHoldBack(caller: Socket, holdBackMs: number, proceed: () => void): void {
  if (holdBackMs === 0) {
    proceed()
    return
  }
  const untilMs = performance.now() + holdBackMs
  const look = () => {
    if (hasReadAll(caller) || performance.now() >= untilMs) release()
  }
  const release = () => {
    clearInterval(timer)
    caller.off('close', release)
    proceed()
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  caller.on('close', release)
}

/** Resolves when `socket` is closed, having seen to `other`: true when both of its directions had ended. */
function closeWith(socket: Socket, other: SpliceEnd, lingerMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed) onClose()
    else socket.once('close', onClose)

    function onClose(): void {
      const isComplete = socket.readableEnded && socket.writableFinished
      if (!isComplete) breakOther(socket, other, lingerMs)
      resolve(isComplete)
    }
  })
}

/**
 * A FIN to `other` would make a torn stream look whole, so it is reset, but not before it was sent what `broken` had said.
 * Where `broken` had said all, that much is whole, and `other` gets it with the end behind it.
 */
function breakOther(broken: Socket, other: SpliceEnd, lingerMs: number): void {
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

function resetAfter(end: SpliceEnd, lingerMs: number): void {
  const timer = setTimeout(() => end.reset(), lingerMs)
  end.socket.once('close', () => clearTimeout(timer))
}
