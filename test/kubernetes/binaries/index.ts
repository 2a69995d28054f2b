import { join } from 'node:path'
import { CACHE, type Say } from '../support/cache.js'
import { ensureFile } from '../support/cached-file.js'
import { go, goVersion } from './go.js'
import { leastGo, readPrograms } from './modules.js'

/**
 * Builds the programs of Kubernetes, and what goes with them, that are not built yet. One after the other: each build takes
 * all processors by itself.
 *
 * @returns the folder they are in
 * @throws MissingPiece without Go, or with one that is too old; LabError when something does not build
 */
export async function ensureBinaries(say: Say = () => {}): Promise<string> {
  const folder = join(CACHE, 'bin')
  for (const { name, dir, key, buildArgs } of await readPrograms(await goVersion(await leastGo()))) {
    const make = async (path: string) => {
      await go(dir, ['build', '-o', path, ...buildArgs])
    }
    const seconds = await ensureFile({ path: join(folder, name), key, make })
    if (seconds !== undefined) say(`built ${name} in ${seconds.toFixed(0)} s`)
  }
  return folder
}
