import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/** Memory for lines that cannot be written yet. */
const MAX_WAITING_BYTES = 1024 * 1024
/** On top of that, for lines that say why the process ends. */
const RESERVED_BYTES = 64 * 1024
/** A full pipe is tried again soon; what a full disk or a closed pipe refuses takes longer to heal. */
const RETRY_MS = { full: 20, failed: 1000 } as const
/** How long the end of the process waits for a reader that is behind. */
const EXIT_DEADLINE_MS = 250
const EXIT_RETRY_MS = 5

interface LogOutputOptions {
  /** The descriptor to write to. */
  readonly fd: number
  /** Called once lines are written again after some were dropped, with their number. May write. */
  readonly onFlowing: (dropped: number) => void
}

/**
 * Writes lines to a descriptor at once where it can; never blocks and never throws. While a pipe is not read or a disk is
 * full, lines wait in memory, and are dropped beyond its limit. The end of the process waits a moment for what is left.
 */
export class LogOutput {
  readonly #fd: number
  readonly #onFlowing: (dropped: number) => void
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #timer: NodeJS.Timeout | undefined
  #dropped = 0
  /** Dropped since lines last flowed. */
  #droppedNow = 0

  constructor({ fd, onFlowing }: LogOutputOptions) {
    this.#fd = withoutBlocking(fd)
    this.#onFlowing = onFlowing
    process.once('exit', () => this.#writeLast())
  }

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** @param isLast whether it may use the memory that is reserved for the last lines of the process */
  write(line: string, isLast = false): void {
    const bytes = Buffer.from(line)
    const limit = isLast ? MAX_WAITING_BYTES + RESERVED_BYTES : MAX_WAITING_BYTES
    if (this.#waitingBytes + bytes.length > limit) {
      this.#dropped += 1
      this.#droppedNow += 1
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#timer === undefined) this.#flush()
  }

  #flush(): void {
    const outcome = this.#writeWaiting()
    if (outcome === 'written') {
      const dropped = this.#droppedNow
      this.#droppedNow = 0
      if (dropped > 0) this.#onFlowing(dropped)
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, RETRY_MS[outcome])
    this.#timer.unref()
  }

  #writeWaiting(): 'written' | keyof typeof RETRY_MS {
    const [first = Buffer.alloc(0)] = this.#waiting
    let rest = this.#waiting.length === 1 ? first : Buffer.concat(this.#waiting)
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest))
      return 'written'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'full' : 'failed'
    } finally {
      this.#waiting = rest.length > 0 ? [rest] : []
      this.#waitingBytes = rest.length
    }
  }

  #writeLast(): void {
    const deadlineMs = performance.now() + EXIT_DEADLINE_MS
    const never = new Int32Array(new SharedArrayBuffer(4))
    while (this.#writeWaiting() === 'full' && performance.now() < deadlineMs)
      Atomics.wait(never, 0, 0, EXIT_RETRY_MS)
  }
}

/** Keeps the handle of a descriptor that libuv made non-blocking: collected as garbage, it would close it. */
const handles: Socket[] = []

/**
 * A descriptor for the same file that returns EAGAIN where the given one would block. Files never block. Pipes and terminals
 * are opened anew, so that other processes that write to them notice nothing. Sockets cannot be opened, nor pipes of another
 * user: they are made non-blocking, which Node undoes at the end of the process.
 */
function withoutBlocking(fd: number): number {
  const type = fstatSync(fd)
  if (type.isFile()) return fd
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    if (type.isFIFO() || type.isSocket()) handles.push(new Socket({ fd, readable: false, writable: true }))
    return fd
  }
}
