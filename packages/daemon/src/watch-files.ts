import { statSync } from 'node:fs'
import type { Closeable } from './disposer-stack.js'

export interface WatchFilesOptions {
  readonly paths: readonly string[]
  /** Called after a change, once for all files that change together. Reads the files itself: they may be gone, or half written. */
  readonly onChange: () => void
  /** How often the files are looked at. A change is told at the first look that finds nothing new. @default 1000 */
  readonly intervalMs?: number
  /** What {@link lookAtFiles} said before the files were read for the first time. @default what they look like now */
  readonly seen?: string | undefined
}

/**
 * Watches files by looking at them: it follows symbolic links, so it sees the swap of a directory by which Kubernetes replaces a mounted
 * Secret, and works on every file system, which notifications do not. Does not keep the process alive.
 */
export function watchFiles(options: WatchFilesOptions): Closeable {
  const { paths, onChange, intervalMs = 1000 } = options
  let seen = options.seen ?? lookAtFiles(paths)
  let isChanging = false
  const timer = setInterval(() => {
    const now = lookAtFiles(paths)
    if (now !== seen) {
      seen = now
      isChanging = true
    } else if (isChanging) {
      isChanging = false
      onChange()
    }
  }, intervalMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

/** What files look like from outside. Taken before they are read, it lets a change be seen that comes before they are watched. */
export function lookAtFiles(paths: readonly string[]): string {
  return paths.map(fingerprint).join()
}

/** A file that cannot be looked at is like one that is not there: its reader will say what is wrong with it. */
function fingerprint(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path)
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch {
    return 'none'
  }
}
