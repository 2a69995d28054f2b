import { writeFileSync } from 'node:fs'
import { oneLine } from './errors.js'
import { LogOutput } from './log-output.js'

const STDERR_FD = 2
/** So many characters are fewer than the 4096 bytes that a kubelet takes of a container's termination message. */
const MAX_LEFT_CHARS = 1000

/** What a person is told besides after an error that holds a text: where that comes from. */
export interface ErrorHint {
  readonly text: string
  readonly hint: string
}

/** Where a process says why it ends: in one line on stderr, and in its termination log if it has one. */
export class FailureReport {
  readonly #name: string
  /** The file for the first reason of the end, as a kubelet reads it. */
  terminationLog: string | undefined
  hints: readonly ErrorHint[] = []
  #isLeft = false

  /** @param name of the program */
  constructor(name: string, terminationLog?: string) {
    this.#name = name
    this.terminationLog = terminationLog || undefined
  }

  /** An error in one line, with the hints that fit it. What has them already stays as it is. */
  explain(text: string): string {
    const fitting = this.hints.filter((one) => text.includes(one.text) && !text.includes(one.hint))
    return [oneLine(text), ...fitting.map(({ hint }) => hint)].join('; ')
  }

  /** Reports a failure before or during the start. */
  write(error: unknown): void {
    const text = this.explain(messageOf(error))
    const stderr = new LogOutput({ fd: STDERR_FD, onFlowing: () => undefined })
    stderr.write(`${this.#name}: ${text}\n`)
    this.#leave(text)
  }

  /** Leaves what the log says in full. The first failure is the cause: what comes after it is not left. */
  leave(what: string, error?: unknown): void {
    this.#leave(this.explain(error === undefined ? what : `${what}: ${messageOf(error)}`))
  }

  #leave(text: string): void {
    if (this.terminationLog === undefined || this.#isLeft) return
    this.#isLeft = true
    try {
      writeFileSync(this.terminationLog, `${this.#name}: ${text}`.slice(0, MAX_LEFT_CHARS))
    } catch {
      // The log has said it; a file that cannot be written must not keep the process from its end.
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
