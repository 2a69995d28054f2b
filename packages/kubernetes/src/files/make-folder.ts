import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing. `mkdir` of Node does too (`recursive`), but never returns where the kernel says
 * ENOENT though what is above is there, as in `/proc`.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  makeFolder(dirname(path), mode)
  mkdirSync(path, mode)
}
