import type { Closeable } from './disposer-stack.js'
import { oneLine } from './errors.js'
import type { Logger } from './logger.js'
import { watchFiles } from './watch-files.js'

/** What became of files that were read again. */
export const RELOAD_OUTCOMES = ['taken', 'unchanged', 'refused'] as const
export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number]

/** Files that belong together, and what is made of them: taken as a whole or not at all. */
export interface ReloadPart {
  /** For logs and metrics. */
  readonly name: string
  readonly files: readonly string[]
  /** What `lookAtFiles` said of the files before they were read at start. @default what they look like when watching begins */
  readonly seen?: string
  /**
   * Reads the files and puts in force what they say.
   * @returns fields for the log that tell what is new, or undefined when nothing is
   * @throws when the files cannot be used, naming the one that is to blame; what was in force before is still
   */
  readonly reload: () => object | undefined | Promise<object | undefined>
}

export interface ReloaderOptions {
  readonly parts: readonly ReloadPart[]
  readonly log: Logger
  readonly onOutcome: (part: string, outcome: ReloadOutcome) => void
  /** See `WatchFilesOptions`. */
  readonly intervalMs?: number
}

/**
 * Reads files again while the daemon runs, when they change and when it is told to. Each part is on its own: one that is refused is
 * told in one log line and keeps no other from being taken. Never two at a time.
 */
export class Reloader {
  readonly #options: ReloaderOptions
  readonly #watchers: Closeable[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  /** Takes what changes from now on by itself, until {@link close}. */
  watch(): void {
    const { parts, intervalMs } = this.#options
    for (const part of parts) {
      const { files: paths, seen } = part
      const onChange = () => void this.#inTurn(part)
      this.#watchers.push(
        watchFiles({ paths, seen, onChange, ...(intervalMs === undefined ? {} : { intervalMs }) }),
      )
    }
  }

  /** Reads all parts again, whether they seem to have changed or not. @returns false when one was refused, which has been logged */
  async reload(): Promise<boolean> {
    const outcomes = await Promise.all(this.#options.parts.map((part) => this.#inTurn(part)))
    return !outcomes.includes('refused')
  }

  /** Watches no more. Idempotent. */
  close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  #inTurn(part: ReloadPart): Promise<ReloadOutcome> {
    const turn = this.#last.then(() => this.#reloadPart(part))
    this.#last = turn
    return turn
  }

  async #reloadPart(part: ReloadPart): Promise<ReloadOutcome> {
    const outcome = await this.#read(part)
    this.#options.onOutcome(part.name, outcome)
    return outcome
  }

  async #read({ name, files, reload }: ReloadPart): Promise<ReloadOutcome> {
    const { log } = this.#options
    try {
      const news = await reload()
      if (news === undefined) {
        log.debug({ part: name }, 'files read again, nothing new')
        return 'unchanged'
      }
      log.info({ part: name, ...news }, `${name} taken`)
      return 'taken'
    } catch (error) {
      const { code, message = String(error) } = error as NodeJS.ErrnoException
      log.error({ part: name, files, code, reason: oneLine(message) }, 'reload failed, going on as before')
      return 'refused'
    }
  }
}
