import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@reversed-vpn/daemon'
import { z } from 'zod'
import { parseDocuments, readText } from '../input/input-file.js'
import { CLUSTER_LABEL, type RenderedFile, SHARED_LABEL, toStream } from '../manifest/manifest.js'

/** Which object a manifest is about. */
export interface Identity {
  readonly cluster: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Whether other shoots may need it too. */
  readonly isShared: boolean
}

/** An object with its identity. As it was read back: its numbers are text. */
export interface IdentifiedObject {
  readonly identity: Identity
  readonly object: unknown
}

/** Manifests by the object they are about, in order. */
export type ManifestSet = ReadonlyMap<string, IdentifiedObject>

/** What was rendered now, as if it were read back. */
export function manifestSetOf(files: readonly RenderedFile[]): ManifestSet {
  return manifestSetFrom(parseDocuments('rendered', toStream(files)), 'rendered')
}

/** What the documents of a file hold. @throws UsageError naming the file */
function manifestSetFrom(documents: readonly unknown[], file: string): ManifestSet {
  return new Map(
    documents.map((object) => {
      const identity = identify(object, file)
      const { cluster, kind, namespace, name } = identity
      // Without apiVersion: a manifest with another version of the interface is about the same object.
      return [[cluster, kind, namespace, name].join('\n'), { identity, object }]
    }),
  )
}

/** What a rendered folder or stream holds. @throws UsageError naming the file */
export function readManifests(path: string): ManifestSet {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return manifestSetFrom(parseDocuments(path, readText(path)), path)
  const paths = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => join(path, name))
    .filter((file) => file.endsWith('.yaml') && statSync(file).isFile())
  return new Map(paths.flatMap((file) => [...manifestSetFrom(parseDocuments(file, readText(file)), file)]))
}

const schema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().default(''),
    labels: z.record(z.string(), z.string()).default({}),
  }),
})

function identify(document: unknown, file: string): Identity {
  const parsed = schema.safeParse(document)
  const cluster = parsed.data?.metadata.labels[CLUSTER_LABEL]
  if (!parsed.success || cluster === undefined)
    throw new UsageError(`${file}: a document that was not rendered by this program, expected manifests only`)
  const { kind, metadata } = parsed.data
  return {
    cluster,
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    isShared: metadata.labels[SHARED_LABEL] === 'true',
  }
}
