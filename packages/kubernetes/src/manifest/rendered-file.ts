import type { Cluster, Manifest, RenderedFile } from './manifest.js'

/** The file of an object: `seed/vpn-seed-server.networkpolicy.yaml`. */
export function fileOf(cluster: Cluster, manifest: Manifest): RenderedFile {
  const { kind, metadata } = manifest
  return { path: `${cluster}/${metadata.name}.${kind.toLowerCase()}.yaml`, manifest }
}
