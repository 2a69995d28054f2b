import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FuzzTargetName, loadFuzzTarget } from './fuzz-target.js'

// The sources' folder, from where this file is compiled to.
const CORPUS = fileURLToPath(new URL('../../fuzz/corpus', import.meta.url))
/** Inputs that something did not hold for once; everything else is made by {@link writeSeeds}. */
const FOUND = 'found-'

interface CorpusFile {
  readonly name: string
  readonly bytes: Buffer
}

export function corpusDirectory(target: FuzzTargetName): string {
  return join(CORPUS, target)
}

export function readCorpus(target: FuzzTargetName): CorpusFile[] {
  const directory = corpusDirectory(target)
  return readdirSync(directory)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(directory, name)) }))
}

export function isFound({ name }: CorpusFile): boolean {
  return name.startsWith(FOUND)
}

/** The files that a corpus has to have besides those that were found. */
export async function makeSeeds(target: FuzzTargetName): Promise<CorpusFile[]> {
  const { seeds } = await loadFuzzTarget(target)
  return Object.entries(seeds())
    .map(([name, bytes]) => ({ name: `${name}.bin`, bytes: Buffer.from(bytes) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Writes the corpus of a target anew, but for what was found. */
export async function writeSeeds(target: FuzzTargetName): Promise<number> {
  const directory = corpusDirectory(target)
  mkdirSync(directory, { recursive: true })
  for (const file of readCorpus(target)) if (!isFound(file)) rmSync(join(directory, file.name))
  const files = await makeSeeds(target)
  for (const { name, bytes } of files) writeFileSync(join(directory, name), bytes)
  return files.length
}
