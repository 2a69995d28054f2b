import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Results } from '../results.js'
import { renderMarkdown } from './markdown.js'
import { drawPictures } from './pictures.js'

/** Writes `results.json`, `results.md` and the pictures into a directory, which is made. @returns the page */
export async function writeReport(results: Results, dir: string): Promise<string> {
  const pictures = drawPictures(results)
  const page = renderMarkdown(results, pictures)
  await mkdir(dir, { recursive: true })
  await Promise.all([
    writeFile(join(dir, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`),
    writeFile(join(dir, 'results.md'), page),
    ...pictures.map(({ fileName, svg }) => writeFile(join(dir, fileName), svg)),
  ])
  return page
}
