import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ladderPart } from '../../ladder/ladder-part.js'
import { stormPart } from '../../storm/storm-part.js'
import { wanPart } from '../../wan/wan-part.js'
import { comparisonPart } from './comparison-part.js'
import { memoryPart } from './memory-part.js'
import { FILES_DIR, type Part } from './part.js'

const INTRODUCTION = `# Performance

Written by \`npm run bench\` and the commands it has for what takes longer, from the JSON files in [${FILES_DIR}](${FILES_DIR}), each part with where
and when it was measured. What looks bad stays in.`

/** In the order of the page: each by the file that its results are kept in. */
const PARTS = {
  'results.json': comparisonPart,
  'wan.json': wanPart,
  'storm.json': stormPart,
  'memory.json': memoryPart,
  'ladder.json': ladderPart,
} as const
type Parts = typeof PARTS
type FileName = keyof Parts

/** Keeps the results of one part in a directory, which is made, and writes the page with them. @returns the text of the part */
export async function writeReport<Name extends FileName>(
  dir: string,
  fileName: Name,
  results: Parameters<Parts[Name]>[0],
): Promise<string> {
  await writeJson(join(dir, FILES_DIR, fileName), results)
  const parts = await remakeReport(dir)
  return parts.get(fileName)?.text ?? ''
}

/** What was kept of one part in a directory; undefined where nothing was. */
export async function readResults<Name extends FileName>(
  dir: string,
  fileName: Name,
): Promise<Parameters<Parts[Name]>[0] | undefined> {
  return (await readIfThere(join(dir, FILES_DIR, fileName))) as Parameters<Parts[Name]>[0] | undefined
}

/** Makes `performance.md` and its pictures again from every file of results that is there. */
export async function remakeReport(dir: string): Promise<ReadonlyMap<string, Part>> {
  const parts = new Map<string, Part>()
  for (const [fileName, render] of Object.entries(PARTS)) {
    const results = await readIfThere(join(dir, FILES_DIR, fileName))
    if (results !== undefined) parts.set(fileName, (render as (results: unknown) => Part)(results))
  }
  const pictures = [...parts.values()].flatMap((part) => part.pictures)
  const texts = [INTRODUCTION, ...[...parts.values()].map(({ text }) => text.trim())]
  await Promise.all([
    writeFile(join(dir, 'performance.md'), `${texts.join('\n\n')}\n`),
    ...pictures.map(({ fileName, svg }) => writeFile(join(dir, FILES_DIR, fileName), svg)),
  ])
  return parts
}

/** Into a directory that is made. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`)
}

async function readIfThere(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
