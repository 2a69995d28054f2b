import { basename, join } from 'node:path'
import { ensureBinaries } from '../binaries/index.js'
import { CACHE, type Say } from '../support/cache.js'
import { ensureFile } from '../support/cached-file.js'
import { ownImages } from './own-images.js'
import { staticImages } from './static-images.js'

/** Nodes keep images in memory, so each gets what its pods are made of and no more. */
export const NOT_FOR_ALL: readonly string[] = ['metrics-server']

/**
 * Makes the images that are not made yet: ours, and those of the programs of ensureBinaries.
 *
 * @param more those of `NOT_FOR_ALL` that are wanted too
 * @returns archives for `ctr images import`
 * @throws as ensureBinaries; LabError when one of ours does not build
 */
export async function ensureImages(more: readonly string[] = [], say: Say = () => {}): Promise<string[]> {
  const folder = join(CACHE, 'images')
  const made = await staticImages(await ensureBinaries(say), folder)
  const isWanted = (name: string) => !NOT_FOR_ALL.includes(name) || more.includes(name)
  const files = [...made.filter(({ path }) => isWanted(basename(path, '.tar'))), await ownImages(folder)]
  for (const file of files) {
    const seconds = await ensureFile(file)
    if (seconds !== undefined) say(`made ${file.path} in ${seconds.toFixed(0)} s`)
  }
  return files.map(({ path }) => path)
}
