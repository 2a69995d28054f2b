import { spawnSync } from 'node:child_process'
import { chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { binOf } from '@reversed-vpn/test/lab'

/** `nobody`, on Debian and most others; no account is needed for it. */
const NOBODY = 65_534

/**
 * Whom the daemons are to be: of root it makes nobody, unless nobody may not read this checkout (below /root, say); everyone
 * else stays who they are, and `uid` is undefined.
 */
export function chooseUser(): {
  readonly uid: number | undefined
  readonly isRoot: boolean
  readonly description: string
} {
  const own = process.getuid?.()
  if (own !== 0) return { uid: undefined, isRoot: false, description: `user ${own}` }
  const options = { uid: NOBODY, gid: NOBODY, stdio: 'ignore' } as const
  if (spawnSync(binOf('shoot-client'), ['--help'], options).status === 0) {
    return { uid: NOBODY, isRoot: false, description: `user ${NOBODY}` }
  }
  return { uid: undefined, isRoot: true, description: 'root, for nobody else may read this checkout' }
}

/** Gives a directory and all in it to that user. */
export async function giveTo(uid: number, dir: string): Promise<void> {
  const below = await readdir(dir, { recursive: true })
  for (const path of ['', ...below]) await chown(join(dir, path), uid, uid)
}
