import { describeDiff } from '../diff/describe-diff.js'
import { type ManifestSet, manifestSetOf, readManifests } from '../diff/manifest-set.js'
import { type RenderedFile, toStream } from '../manifest/manifest.js'
import { writeFolder } from '../manifest/write-folder.js'
import type { Output } from './output.js'

interface Destination {
  /** The folder for the manifests. */
  readonly output?: string | undefined
  /** What was there before, or where it is. */
  readonly diffFrom?: string | ManifestSet | undefined
}

interface Reporter {
  readonly output: Output
  readonly program: string
}

/** Writes the manifests to a folder if one is given, and what changes, or the manifests, to the output. */
export async function deliver(
  files: readonly RenderedFile[],
  { output: folder, diffFrom }: Destination,
  notes: readonly string[],
  { output, program }: Reporter,
): Promise<void> {
  const before = typeof diffFrom === 'string' ? readManifests(diffFrom) : diffFrom
  if (folder !== undefined) writeFolder(folder, files)
  for (const line of notes) output.note(`${program}: ${line}`)
  if (before !== undefined) await output.result(describeDiff(before, manifestSetOf(files)))
  else if (folder === undefined) await output.result(toStream(files))
}
