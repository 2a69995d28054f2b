import { statSync } from 'node:fs'

interface WatchFilesOptions {
  readonly paths: readonly string[]
  /** Called after a change, once for files that change together. The files may be gone or half written. */
  readonly onChange: () => void
  /** How often the files are checked. A change is reported at the first check that finds nothing newer. @default 1000 */
  readonly intervalMs?: number
  /** {@link lookAtFiles} before the files were first read. @default of now */
  readonly seen?: string | undefined
}

/**
 * Watches files by polling. That follows symbolic links, so it sees the directory swap by which Kubernetes replaces a mounted
 * Secret, and it works on every file system, unlike notifications. Does not keep the process alive.
 */
export function watchFiles(options: WatchFilesOptions): { close(): void } {
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

/** The files' fingerprint. Taken before they are read, it reveals a change that happens before they are watched. */
export function lookAtFiles(paths: readonly string[]): string {
  return paths.map(fingerprint).join()
}

/** A file that cannot be examined counts as absent: whoever reads it will report why. */
function fingerprint(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path)
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch {
    return 'none'
  }
}
