import {
  KUBERNETES_VERSION_SYNTAX,
  type KubernetesVersion,
  parseKubernetesVersion,
} from '../feature-gate/kubernetes-version.js'
import { InputFile } from './input-file.js'
import { familiesOf, type GivenNetworks, type NetworkKind, type Networks, readNetworks } from './networks.js'
import { SHOOT_SCHEMA, type ShootDocument } from './shoot-schema.js'

const MAX_NAMESPACE_LENGTH = 63
const SEED_NAMESPACE_PREFIX = 'shoot--'
const PROJECT_NAMESPACE_PREFIX = 'garden-'

/** What a Shoot says about its tunnel. */
export interface Shoot {
  readonly file: InputFile
  readonly name: string
  readonly namespace: string
  /** The namespace of its control plane in the seed. */
  readonly seedNamespace: string
  readonly kubernetesVersion: KubernetesVersion
  readonly annotations: Readonly<Record<string, string>>
  readonly networks: Networks
  /** The networks as written, and where in the file. */
  readonly given: GivenNetworks
  readonly families: readonly (4 | 6)[]
  /** `spec.dns.domain`; the names of the shoot's endpoints are below it. */
  readonly domain: string | undefined
}

/**
 * Reads the parts of a Shoot that the tunnel depends on, and checks them.
 * @throws UsageError naming file and path
 */
export function readShoot(path: string): Shoot {
  const file = InputFile.read(path)
  const document = file.parse(SHOOT_SCHEMA)
  const { metadata, spec, status } = document
  const kubernetesVersion = parseKubernetesVersion(spec.kubernetes.version)
  if (kubernetesVersion === undefined) {
    const seen = JSON.stringify(spec.kubernetes.version)
    throw file.error(['spec', 'kubernetes', 'version'], `${seen}, expected ${KUBERNETES_VERSION_SYNTAX}`)
  }
  const given = findNetworks(document)
  const networks = readNetworks(file, given, spec.networking.ipFamilies ?? [])
  return {
    file,
    name: metadata.name,
    namespace: metadata.namespace,
    seedNamespace: status?.technicalID ?? makeSeedNamespace(file, metadata),
    kubernetesVersion,
    annotations: metadata.annotations ?? {},
    networks,
    given,
    families: familiesOf(networks),
    domain: spec.dns?.domain ?? undefined,
  }
}

/** The status takes precedence: the spec holds one network of a kind, but a dual-stack shoot has two. */
function findNetworks({ spec, status }: ShootDocument): GivenNetworks {
  const find = (kind: NetworkKind) => {
    const inStatus = toList(status?.networking?.[kind])
    return inStatus.length > 0
      ? { path: ['status', 'networking', kind], texts: inStatus }
      : { path: ['spec', 'networking', kind], texts: toList(spec.networking[kind]) }
  }
  return { pods: find('pods'), services: find('services'), nodes: find('nodes') }
}

function toList(value: string | readonly string[] | null | undefined): string[] {
  return [value ?? []]
    .flat()
    .flatMap((item) => item.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
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
