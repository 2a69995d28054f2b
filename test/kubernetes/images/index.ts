import { join } from 'node:path'
import { ensureBinaries } from '../binaries/index.js'
import { CACHE, type Say } from '../support/cache.js'
import { ensureFile } from '../support/cached-file.js'
import { ownImages } from './own-images.js'
import { staticImages } from './static-images.js'

/**
 * Makes the images that are not made yet: ours, and those of the programs of ensureBinaries.
 *
 * @returns archives for `ctr images import`
 * @throws as ensureBinaries; LabError when one of ours does not build
 */
export async function ensureImages(say: Say = () => {}): Promise<string[]> {
  const folder = join(CACHE, 'images')
  const files = [...(await staticImages(await ensureBinaries(say), folder)), await ownImages(folder)]
  for (const file of files) {
    const seconds = await ensureFile(file)
    if (seconds !== undefined) say(`made ${file.path} in ${seconds.toFixed(0)} s`)
  }
  return files.map(({ path }) => path)
}
