import { UsageError } from '@reversed-vpn/daemon'
import { z } from 'zod'
import { CLUSTER_LABEL, SHARED_LABEL } from '../manifest/manifest.js'

/** An object as it was read back: numbers are text. */
export type PlainObject = Readonly<Record<string, unknown>>

/** Which object a manifest is about. */
export interface Identity {
  readonly cluster: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Whether other shoots may need it too. */
  readonly isShared: boolean
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

/** @throws UsageError naming the file when the document is no object of Kubernetes, or not one that was rendered */
export function identify(document: unknown, file: string): Identity {
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

/** Equal for manifests of one object, whatever version of its interface they use. */
export function keyOf({ cluster, kind, namespace, name }: Identity): string {
  return [cluster, kind, namespace, name].join('\n')
}
