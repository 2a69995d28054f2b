import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from '@reversed-vpn/daemon'
import { FIRST_LINE_START, type RenderedFile, toFileText } from './manifest.js'

/**
 * Writes manifests below a folder, which is created if need be. Files of an earlier run are removed, so that the folder holds
 * what was rendered now and nothing else.
 *
 * @throws UsageError, before anything is changed, when the folder holds a file that was not rendered, or is not a folder
 */
export function writeFolder(folder: string, files: readonly RenderedFile[]): void {
  const earlier = findFiles(folder)
  const foreign = earlier.find(
    (path) => !readFileSync(join(folder, path), 'utf8').startsWith(FIRST_LINE_START),
  )
  if (foreign !== undefined) {
    throw new UsageError(
      `${join(folder, foreign)}: was not rendered by this program, expected an empty or rendered folder`,
    )
  }
  const wanted = new Set(files.map(({ path }) => path))
  for (const file of files) {
    makeFolder(join(folder, dirname(file.path)))
    writeFileSync(join(folder, file.path), toFileText(file))
  }
  for (const path of earlier) {
    if (!wanted.has(path)) rmSync(join(folder, path))
  }
}

/**
 * Creates a folder and its missing parents. Node's `mkdir` with `recursive` never returns where the kernel says ENOENT
 * although the parent exists, as in `/proc`.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  makeFolder(dirname(path), mode)
  mkdirSync(path, mode)
}

function findFiles(folder: string): string[] {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found === undefined) return []
  if (!found.isDirectory()) throw new UsageError(`${folder}: is a file, expected a folder`)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !statSync(join(folder, path)).isDirectory(),
  )
}
