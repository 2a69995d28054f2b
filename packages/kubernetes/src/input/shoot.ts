import { isHostName } from '@reversed-vpn/daemon'
import { z } from 'zod'
import {
  KUBERNETES_VERSION_SYNTAX,
  type KubernetesVersion,
  parseKubernetesVersion,
} from '../feature-gate/kubernetes-version.js'
import { InputFile } from './input-file.js'
import {
  FAMILY_NAMES,
  familiesOf,
  type GivenNetworks,
  type NetworkKind,
  type Networks,
  readNetworks,
} from './networks.js'
import { readSeedNamespace } from './seed-namespace.js'

/** What a Shoot says about its tunnel. */
export interface Shoot {
  readonly file: InputFile
  readonly name: string
  readonly namespace: string
  /** Where its control plane runs in the seed. */
  readonly seedNamespace: string
  readonly kubernetesVersion: KubernetesVersion
  readonly annotations: Readonly<Record<string, string>>
  readonly networks: Networks
  /** Where each kind of networks stands in the file. */
  readonly given: GivenNetworks
  readonly families: readonly (4 | 6)[]
  /** `spec.dns.domain`, below which its API server has a name. */
  readonly domain: string | undefined
}

/** What is written without quotes is still meant as text. */
const text = (expected: string) =>
  z.preprocess(
    (value) => (typeof value === 'boolean' ? String(value) : value),
    z.string({ error: `expected ${expected}` }),
  )
const label = text('a name').refine((name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name), {
  error: 'expected at most 63 small letters, digits and hyphens',
})
const networks = z
  .union([z.string(), z.array(z.string())], { error: 'expected a network such as 10.0.0.0/16, or a list' })
  .nullish()
const networkLists = { pods: networks, services: networks, nodes: networks }

const schema = z.looseObject(
  {
    kind: z.literal('Shoot', { error: 'expected Shoot' }).optional(),
    metadata: z.looseObject(
      {
        name: label,
        namespace: label,
        annotations: z
          .record(z.string(), text('text'), { error: 'expected a mapping of annotations to text' })
          .nullish(),
      },
      { error: 'expected a mapping with name and namespace' },
    ),
    spec: z.looseObject(
      {
        kubernetes: z.looseObject(
          { version: text(KUBERNETES_VERSION_SYNTAX) },
          { error: 'expected a mapping with version' },
        ),
        networking: z.looseObject(
          {
            ...networkLists,
            ipFamilies: z
              .array(z.enum(['IPv4', 'IPv6'], { error: 'expected IPv4 or IPv6' }), {
                error: 'expected a list of IPv4 and IPv6',
              })
              .nullish(),
          },
          { error: "is not given, expected the shoot's networks: pods, services and nodes" },
        ),
        dns: z
          .looseObject({
            domain: z.string().refine(isHostName, { error: 'expected a DNS name' }).nullish(),
          })
          .nullish(),
      },
      { error: 'expected a mapping with kubernetes and networking' },
    ),
    status: z
      .looseObject({
        technicalID: label.nullish(),
        networking: z.looseObject(networkLists, { error: 'expected a mapping of networks' }).nullish(),
      })
      .nullish(),
  },
  { error: 'expected a Shoot' },
)
type ShootDocument = z.output<typeof schema>

/**
 * Reads the parts of a Shoot that the tunnel depends on, and checks them.
 * @throws UsageError naming file and path
 */
export function readShoot(path: string): Shoot {
  const file = InputFile.read(path)
  const document = file.parse(schema)
  const { metadata, spec, status } = document
  const kubernetesVersion = parseKubernetesVersion(spec.kubernetes.version)
  if (kubernetesVersion === undefined) {
    const seen = JSON.stringify(spec.kubernetes.version)
    throw file.error(['spec', 'kubernetes', 'version'], `${seen}, expected ${KUBERNETES_VERSION_SYNTAX}`)
  }
  const given = findNetworks(document)
  const networks = readNetworks(file, given)
  const families = familiesOf(networks)
  checkFamilies(file, spec.networking.ipFamilies ?? [], given, networks)
  return {
    file,
    name: metadata.name,
    namespace: metadata.namespace,
    seedNamespace: readSeedNamespace(file, metadata, status?.technicalID ?? undefined),
    kubernetesVersion,
    annotations: metadata.annotations ?? {},
    networks,
    given,
    families,
    domain: spec.dns?.domain ?? undefined,
  }
}

/** What the status has counts, because the spec holds one network of a kind, and a dual-stack shoot has two. */
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

/** Pods and services need a network of each family that the shoot says it has, and no kind may have one of another. */
function checkFamilies(
  file: InputFile,
  named: readonly string[],
  given: GivenNetworks,
  networks: Networks,
): void {
  const wanted = named.length > 0 ? named : familiesOf(networks).map((family) => FAMILY_NAMES[family])
  for (const kind of ['pods', 'services', 'nodes'] as const) {
    const found = networks[kind].map(({ family }) => FAMILY_NAMES[family])
    const stray = found.findIndex((family) => !wanted.includes(family))
    if (stray >= 0) {
      const problem = `${networks[kind][stray]?.text} is ${found[stray]}, expected ${wanted.join(' or ')} as ${named.length > 0 ? 'ipFamilies says' : 'the pods have'}`
      throw file.error(given[kind].path, problem)
    }
    const missing =
      kind === 'nodes' ? undefined : wanted.find((family) => !found.some((one) => one === family))
    if (missing !== undefined)
      throw file.error(given[kind].path, `${found.join(', ')} only, expected a network of ${missing} too`)
  }
}
