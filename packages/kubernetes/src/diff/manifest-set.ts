import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocuments, readText } from '../input/input-file.js'
import type { RenderedFile } from '../manifest/manifest.js'
import { toStream } from '../manifest/yaml-text.js'
import { type Identity, identify, keyOf, type PlainObject } from './identity.js'

export interface IdentifiedObject {
  readonly identity: Identity
  readonly object: PlainObject
}

/** Manifests by the object they are about, in order. */
export type ManifestSet = ReadonlyMap<string, IdentifiedObject>

/** What was rendered now, as if it were read back. */
export function manifestSetOf(files: readonly RenderedFile[]): ManifestSet {
  return toSet(parseDocuments('rendered', toStream(files)), 'rendered')
}

/** What documents of a file hold. @throws UsageError naming the file */
export function manifestSetFrom(documents: readonly unknown[], file: string): ManifestSet {
  return toSet(documents, file)
}

/** What a rendered folder holds. @throws UsageError naming the file */
export function readManifestFolder(folder: string): ManifestSet {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith('.yaml') && statSync(path).isFile())
  return new Map(paths.flatMap((path) => [...toSet(parseDocuments(path, readText(path)), path)]))
}

function toSet(documents: readonly unknown[], file: string): ManifestSet {
  return new Map(
    documents.map((document) => {
      const identity = identify(document, file)
      return [keyOf(identity), { identity, object: document as PlainObject }]
    }),
  )
}
