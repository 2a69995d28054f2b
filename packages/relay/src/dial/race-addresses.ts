import type { Socket } from 'node:net'
import { untilSettled } from '../until-settled.js'
import type { Deadline } from '../with-deadline.js'
import { joinSome } from './join-some.js'

/** How long one address may take before the next is tried beside it (RFC 8305 §5, Connection Attempt Delay). */
const NEXT_ATTEMPT_AFTER_MS = 250

/**
 * Connects to the first of `addresses` that answers. Attempts start 250 ms apart, or as soon as one fails, and none is
 * given up before another has won (RFC 8305 §5). The sockets that lost are destroyed. The winner swallows errors.
 *
 * @param addresses in the order to try them
 * @param open begins to connect
 * @param deadline for all of them together. Cheaper than a signal with that deadline
 * @throws the error of the only address, or an AggregateError in the order of `addresses`, with the code of the first
 * @throws the signal's reason or the deadline's error when that is first
 */
export function raceAddresses(
  addresses: readonly string[],
  open: (address: string) => Socket,
  signal: AbortSignal,
  deadline?: Deadline | undefined,
): Promise<Socket> {
  return untilSettled(signal, (resolve, reject) => {
    const race = new Race(addresses, open, { onWon: resolve, onLost: reject })
    const timer = deadline && setTimeout(() => reject(deadline.error()), deadline.ms)
    race.startNext()
    return () => {
      clearTimeout(timer)
      race.stop()
    }
  })
}

interface RaceEnd {
  readonly onWon: (socket: Socket) => void
  readonly onLost: (error: Error) => void
}

class Race {
  readonly #addresses: readonly string[]
  readonly #open: (address: string) => Socket
  readonly #end: RaceEnd
  readonly #connecting = new Set<Socket>()
  /** By the index of the address. */
  readonly #errors: Error[] = []
  #started = 0
  #failed = 0
  #timer: NodeJS.Timeout | undefined

  constructor(addresses: readonly string[], open: (address: string) => Socket, end: RaceEnd) {
    this.#addresses = addresses
    this.#open = open
    this.#end = end
  }

  startNext(): void {
    clearTimeout(this.#timer)
    const index = this.#started
    const address = this.#addresses[index]
    if (address === undefined) return
    this.#started++
    const hasNext = this.#started < this.#addresses.length
    if (hasNext) this.#timer = setTimeout(() => this.startNext(), NEXT_ATTEMPT_AFTER_MS)
    try {
      this.#follow(this.#open(address), index)
    } catch (error) {
      this.#onFailed(index, error as Error)
    }
  }

  /** Ends every attempt that has not won. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#started = this.#addresses.length
    for (const socket of this.#connecting) socket.destroy()
    this.#connecting.clear()
  }

  #follow(socket: Socket, index: number): void {
    this.#connecting.add(socket)
    socket.on('error', () => {})
    const onFailed = (error: Error) => {
      socket.off('error', onFailed).off('connect', onConnect)
      if (this.#connecting.delete(socket)) this.#onFailed(index, error)
    }
    const onConnect = () => {
      socket.off('error', onFailed)
      if (this.#connecting.delete(socket)) this.#end.onWon(socket)
    }
    socket.once('error', onFailed).once('connect', onConnect)
  }

  #onFailed(index: number, error: Error): void {
    this.#errors[index] = error
    this.#failed++
    if (this.#failed === this.#addresses.length) this.#end.onLost(joinErrors(this.#errors))
    else this.startNext()
  }
}

function joinErrors(errors: readonly NodeJS.ErrnoException[]): Error {
  const [preferred] = errors
  if (preferred !== undefined && errors.length === 1) return preferred
  const messages = errors.map(({ message }) => message)
  const joined = new AggregateError(errors, joinSome(messages, '; '))
  return preferred?.code === undefined ? joined : Object.assign(joined, { code: preferred.code })
}
