import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MissingPiece } from './missing-piece.mjs'

/** Runs `npm ci` unless `node_modules` is what `package-lock.json` says. */
export function installModules(root, env, say) {
  const difference = whatDiffers(root)
  if (difference === undefined) return
  say(`npm ci (${difference})`)
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new MissingPiece('npm ci failed: see its messages above')
}

/**
 * The first difference between what is wanted and what npm noted down when it last finished, or undefined. An
 * optional package that is not there is one for another platform.
 */
export function whatDiffers(root) {
  const wanted = packagesIn(join(root, 'package-lock.json'))
  const present = packagesIn(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) throw new MissingPiece('package-lock.json is not readable: take a fresh clone')
  if (present === undefined) return 'no node_modules yet'
  for (const [path, { version, integrity, link, optional }] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue
    const found = present[path]
    if (found === undefined && optional === true) continue
    if (found === undefined) return `${path} is missing`
    if (link !== true && (found.version !== version || found.integrity !== integrity))
      return `${path} is another`
  }
  return undefined
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
