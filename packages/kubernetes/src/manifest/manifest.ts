/** The cluster that a manifest is for. */
export type Cluster = 'seed' | 'shoot'

/** What YAML can hold. Undefined fields are left out. */
export type Value = string | number | boolean | undefined | readonly Value[] | ValueMap
export interface ValueMap {
  readonly [key: string]: Value
}

export interface Metadata extends ValueMap {
  readonly name: string
  readonly namespace: string
}

/** A Kubernetes object, or a document that is kept like one. */
export interface Manifest extends ValueMap {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
}

/** A manifest and the file it belongs in, below the output folder. */
export interface RenderedFile {
  readonly path: string
  readonly manifest: Manifest
}

/** Says for which cluster a manifest is, also when it has left its folder. */
export const CLUSTER_LABEL = 'reversed-vpn/cluster'

/** On what all shoots of a seed need and render alike: it stays when one of them stops using it. */
export const SHARED_LABEL = 'reversed-vpn/shared'

export interface ObjectIdentity {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string
  /** Beside those that every manifest has. */
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A manifest for one cluster, its metadata first. */
export function defineManifest(cluster: Cluster, identity: ObjectIdentity, body: ValueMap): Manifest {
  const { apiVersion, kind, name, namespace, labels = {}, annotations } = identity
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { ...labels, 'app.kubernetes.io/managed-by': 'reversed-vpn', [CLUSTER_LABEL]: cluster },
      annotations,
    },
    ...body,
  }
}
