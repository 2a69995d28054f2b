import { stringify } from 'yaml'

/** The cluster that a manifest is for. */
export type Cluster = 'seed' | 'shoot'

/** What YAML can hold. Undefined fields are left out. */
export type Value = string | number | boolean | undefined | readonly Value[] | ValueMap
export interface ValueMap {
  readonly [key: string]: Value
}

/** A Kubernetes object, or a document that has the shape of one. */
export interface Manifest extends ValueMap {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ValueMap & { readonly name: string; readonly namespace: string }
}

/** A manifest and the file it belongs in, below the output folder. */
export interface RenderedFile {
  readonly path: string
  readonly manifest: Manifest
}

/** Says for which cluster a manifest is, also when it has left its folder. */
export const CLUSTER_LABEL = 'reversed-vpn/cluster'

/** Marks what all shoots of a seed need and render alike: it stays when one of them stops using it. */
export const SHARED_LABEL = 'reversed-vpn/shared'

/** How the first line of every rendered file begins. */
export const FIRST_LINE_START = '# Rendered by reversed-vpn'

interface ManifestHead {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string
  /** In addition to those that every manifest has. */
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A manifest for one cluster, its metadata first. */
export function defineManifest(cluster: Cluster, head: ManifestHead, body: ValueMap): Manifest {
  const { apiVersion, kind, name, namespace, labels = {}, annotations } = head
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

/** The file of an object: `seed/vpn-seed-server.networkpolicy.yaml`. */
export function fileOf(cluster: Cluster, manifest: Manifest): RenderedFile {
  const { kind, metadata } = manifest
  return { path: `${cluster}/${metadata.name}.${kind.toLowerCase()}.yaml`, manifest }
}

/** A value as YAML: keys in the order they were made, no folded lines, no anchors. */
export function toYaml(value: Value): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** The content of a manifest's file. */
export function toFileText({ path, manifest }: RenderedFile): string {
  return `${FIRST_LINE_START}: ${path}\n${toYaml(manifest)}`
}

/** All manifests as one stream. */
export function toStream(files: readonly RenderedFile[]): string {
  return files.map((file) => `---\n${toFileText(file)}`).join('')
}
