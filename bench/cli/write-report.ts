import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { comparisonPart } from '../compare-peers/comparison-part.js'
import { ladderPart } from '../ladder/ladder-part.js'
import { memoryPart } from '../memory/memory-part.js'
import { FILES_DIR, type Part } from '../report/part.js'
import { stormPart } from '../storm/storm-part.js'
import { wanPart } from '../wan/wan-part.js'

const INTRODUCTION = `# Performance

\`npm run bench\` and its commands write this page from the JSON files in [${FILES_DIR}](${FILES_DIR}). Each section names the machine, the
commit and the time of its run. Bad figures stay in.`

/** The sections in the order of the page, by the file with their results. */
const PARTS = {
  'results.json': comparisonPart,
  'wan.json': wanPart,
  'storm.json': stormPart,
  'memory.json': memoryPart,
  'ladder.json': ladderPart,
} as const
type Parts = typeof PARTS
type FileName = keyof Parts

/** Writes the results of one section to a directory, and the page with them. @returns the text of the section */
export async function writeReport<Name extends FileName>(
  dir: string,
  fileName: Name,
  results: Parameters<Parts[Name]>[0],
): Promise<string> {
  await writeJson(join(dir, FILES_DIR, fileName), results)
  const parts = await remakeReport(dir)
  return parts.get(fileName)?.text ?? ''
}

/** The results of one section in a directory; undefined if there are none. */
export async function readResults<Name extends FileName>(
  dir: string,
  fileName: Name,
): Promise<Parameters<Parts[Name]>[0] | undefined> {
  return (await readIfThere(join(dir, FILES_DIR, fileName))) as Parameters<Parts[Name]>[0] | undefined
}

/** Writes `performance.md` and its pictures again from all files of results in a directory. */
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

/** Creates the directory. */
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
