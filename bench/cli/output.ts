import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rewriteDocumentFigures } from './document-figures.js'
import { type BenchOptions, DEFAULT_OUTPUT } from './options.js'
import { readResults } from './write-report.js'

/** Runs `write` with the output directory, or with a temporary one if nothing is kept. */
export async function withOutputDir(
  { outputDir }: BenchOptions,
  write: (dir: string) => Promise<unknown>,
): Promise<void> {
  if (outputDir !== undefined) {
    await write(outputDir)
    if (outputDir === DEFAULT_OUTPUT) await updateDocuments(outputDir)
    return
  }
  const dir = await mkdtemp(join(tmpdir(), 'reversed-vpn-bench-'))
  try {
    await write(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The command line as typed, but without directories of this machine. */
export function commandLine(argv: readonly string[]): string {
  const typed = ['npm run bench --', ...argv].join(' ')
  return typed
    .replaceAll(/(--external[ =][a-z0-9-]+)=\S+/g, '$1=PROGRAM')
    .replaceAll(/(--output)[ =]\S+/g, '$1 DIR')
}

/** Writes the figures of the results into the documents of the repository. */
async function updateDocuments(dir: string): Promise<void> {
  const results = await readResults(dir, 'results.json')
  const wan = await readResults(dir, 'wan.json')
  if (results !== undefined && wan !== undefined) await rewriteDocumentFigures({ results, wan })
}
