import { oneLine } from './errors.js'
import type { Logger } from './logger.js'
import { watchFiles } from './watch-files.js'

/** The result of reading files again. */
export const RELOAD_OUTCOMES = ['taken', 'unchanged', 'refused'] as const
export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number]

/** Files that belong together: applied as a whole or not at all. */
export interface ReloadPart {
  /** For logs and metrics. */
  readonly name: string
  readonly files: readonly string[]
  /** The files' fingerprint (`lookAtFiles`) before they were read at start. @default their fingerprint when watching begins */
  readonly seen?: string
  /**
   * Reads the files and applies them.
   * @returns fields for the log that say what is new, or undefined if nothing is
   * @throws when the files cannot be used, naming the bad one; the previous state stays in effect
   */
  readonly reload: () => object | undefined | Promise<object | undefined>
}

interface ReloaderOptions {
  readonly parts: readonly ReloadPart[]
  readonly log: Logger
  readonly onOutcome: (part: string, outcome: ReloadOutcome) => void
  /** See `WatchFilesOptions`. */
  readonly intervalMs?: number
}

/**
 * Reads files again while the daemon runs, when they change and on request. Parts are independent: one that is refused is
 * logged in one line and does not affect the others. Never two at a time.
 */
export class Reloader {
  readonly #options: ReloaderOptions
  readonly #watchers: { close(): void }[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  /** Reloads each part when its files change, until {@link close}. */
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

  /** Reloads all parts, changed or not. @returns false when one was refused, which has been logged */
  async reload(): Promise<boolean> {
    const outcomes = await Promise.all(this.#options.parts.map((part) => this.#inTurn(part)))
    return !outcomes.includes('refused')
  }

  /** Stops watching. Idempotent. */
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
