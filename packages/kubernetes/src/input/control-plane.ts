import { isHostName } from '@reversed-vpn/daemon'
import type { InputFile } from './input-file.js'
import { CONTROL_PLANE_SCHEMA, type ControlPlaneDocument } from './shoot-schema.js'

const MAX_NAMESPACE_LENGTH = 63
const SEED_NAMESPACE_PREFIX = 'shoot--'
const PROJECT_NAMESPACE_PREFIX = 'garden-'
/** The advertised addresses of an API server that lead through the shared endpoint. */
const ENDPOINT_ADDRESSES = ['external', 'internal']

/** Where a Shoot's control plane is, and by which names it is reached. */
export interface ControlPlane {
  readonly file: InputFile
  readonly name: string
  readonly namespace: string
  /** The namespace of its control plane in the seed. */
  readonly seedNamespace: string
  /** The seed, if it is assigned to one. */
  readonly seedName: string | undefined
  /** `spec.dns.domain`; the names of the shoot's endpoints are below it. */
  readonly domain: string | undefined
  /** DNS names of its API server, as the domain and its status say. */
  readonly apiServerHosts: readonly string[]
  /** Why the shoot needs no tunnel, undefined when it does. */
  readonly needsNoTunnel: string | undefined
}

/** @throws UsageError naming file and path */
export function readControlPlane(file: InputFile): ControlPlane {
  const { metadata, spec, status } = file.parse(CONTROL_PLANE_SCHEMA)
  const domain = spec.dns?.domain ?? undefined
  const advertised = (status?.advertisedAddresses ?? [])
    .filter(({ name, url }) => ENDPOINT_ADDRESSES.includes(name) && URL.canParse(url))
    .map(({ url }) => new URL(url).hostname)
  return {
    file,
    name: metadata.name,
    namespace: metadata.namespace,
    seedNamespace: status?.technicalID ?? makeSeedNamespace(file, metadata),
    seedName: status?.seedName ?? spec.seedName ?? undefined,
    domain,
    apiServerHosts: [
      ...new Set([...(domain === undefined ? [] : [`api.${domain}`]), ...advertised.filter(isHostName)]),
    ],
    needsNoTunnel: whyNoTunnel(spec),
  }
}

function whyNoTunnel({ provider }: ControlPlaneDocument['spec']): string | undefined {
  if (!provider) return undefined
  const workers = provider.workers ?? []
  if (workers.length === 0) return 'is empty: a shoot without workers has no network and needs no tunnel'
  if (workers.some((worker) => 'controlPlane' in worker))
    return 'has a pool with controlPlane: such a shoot is its own seed and needs no tunnel'
  return undefined
}

/**
 * The namespace in the seed as Gardener names it, `shoot--PROJECT--NAME`. A shoot whose own namespace has that form already
 * stays in it.
 *
 * @throws UsageError when the name is longer than a namespace may be
 */
function makeSeedNamespace(
  file: InputFile,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): string {
  if (namespace.startsWith(SEED_NAMESPACE_PREFIX)) return namespace
  const project = namespace.startsWith(PROJECT_NAMESPACE_PREFIX)
    ? namespace.slice(PROJECT_NAMESPACE_PREFIX.length)
    : namespace
  const made = `${SEED_NAMESPACE_PREFIX}${project}--${name}`
  if (made.length <= MAX_NAMESPACE_LENGTH) return made
  const problem = `its namespace in the seed would be ${made}, ${made.length} letters, expected at most ${MAX_NAMESPACE_LENGTH}`
  throw file.error(['metadata', 'name'], problem)
}
