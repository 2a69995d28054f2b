import { type Cidr, CidrSet, parseNetworkCidr } from '@reversed-vpn/ip'
import type { InputFile, InputPath } from './input-file.js'

export const NETWORK_KINDS = ['pods', 'services', 'nodes'] as const
export type NetworkKind = (typeof NETWORK_KINDS)[number]

const FAMILIES = [4, 6] as const
export type Family = (typeof FAMILIES)[number]
export const FAMILY_NAMES = { 4: 'IPv4', 6: 'IPv6' } as const

/** Where a network of the shoot is written. */
interface Written {
  readonly path: InputPath
}

/** Networks as written. */
export type GivenNetworks = Readonly<Record<NetworkKind, readonly (Written & { readonly text: string })[]>>

/** The networks of a shoot, each once. */
export type Networks = Readonly<Record<NetworkKind, readonly (Written & { readonly cidr: Cidr })[]>>

interface ShootNetworks {
  readonly networks: Networks
  /** The most preferred first. Pods and services have a network of each. */
  readonly families: readonly Family[]
  /** Families that are named and have no network yet. */
  readonly missing: readonly Family[]
}

interface FamilyRules {
  /** As the shoot names them, none when it leaves them to its networks. */
  readonly named: readonly string[]
  /**
   * Whether the infrastructure has said which networks there are, so that a whole family may be missing: a migration is
   * under way.
   */
  readonly isReconciled: boolean
  /** What to do about a network that is missing. @default USE_API_SERVER */
  readonly advice?: string
}

/** What people who feed in a manifest of their own should use instead. */
export const USE_API_SERVER =
  'use the Shoot as the API server has it (kubectl get shoot -o yaml), ' +
  'where Gardener and the infrastructure have filled in what was left out'

/** @throws UsageError naming the path of a network that is malformed, missing, overlapping, or of another family */
export function readNetworks(file: InputFile, given: GivenNetworks, rules: FamilyRules): ShootNetworks {
  const networks = {
    pods: readKind(file, 'pods', given),
    services: readKind(file, 'services', given),
    nodes: readKind(file, 'nodes', given),
  }
  refuseOverlaps(file, networks)
  return { networks, ...readFamilies(file, networks, rules) }
}

function readKind(file: InputFile, kind: NetworkKind, given: GivenNetworks): Networks[NetworkKind] {
  const found = given[kind].map(({ path, text }) => {
    try {
      return { path, cidr: parseNetworkCidr(text) }
    } catch (error) {
      throw file.error(path, (error as Error).message)
    }
  })
  if (found.length === 0) {
    const flag = kind === 'nodes' ? ', or give --node-network' : ''
    const problem = `is not given, expected the network of the shoot's ${kind}: ${USE_API_SERVER}${flag}`
    throw file.error(['spec', 'networking', kind], problem)
  }
  return found.filter(
    ({ cidr }, index) => found.findIndex((other) => other.cidr.text === cidr.text) === index,
  )
}

export function overlaps(left: Cidr, right: Cidr): boolean {
  return CidrSet.of([left]).overlaps(CidrSet.of([right]))
}

/**
 * IPv4 networks of different kinds may not overlap: Gardener does not allow it, so it is a mistake. With IPv6 pods and
 * nodes share the range that the cloud assigns, and services may lie inside.
 */
function refuseOverlaps(file: InputFile, networks: Networks): void {
  for (const [index, kind] of NETWORK_KINDS.entries()) {
    for (const other of NETWORK_KINDS.slice(0, index)) {
      for (const { path, cidr } of networks[kind].filter((network) => network.cidr.family === 4)) {
        const taken = networks[other].find((candidate) => overlaps(candidate.cidr, cidr))
        if (taken === undefined) continue
        const problem = `${cidr.text} overlaps ${taken.cidr.text} of ${other}, expected pods, services and nodes apart`
        throw file.error(path, problem)
      }
    }
  }
}

/** Pods and services need a network of every family of the shoot, and no kind may have one of another family. */
function readFamilies(file: InputFile, networks: Networks, rules: FamilyRules) {
  const { named, isReconciled, advice = USE_API_SERVER } = rules
  const inPods = networks.pods.map(({ cidr }) => FAMILY_NAMES[cidr.family])
  const wanted = named.length > 0 ? [...new Set(named)] : [...new Set(inPods)]
  for (const kind of NETWORK_KINDS) {
    const stray = networks[kind].find(({ cidr }) => !wanted.includes(FAMILY_NAMES[cidr.family]))
    if (stray === undefined) continue
    const { text, family } = stray.cidr
    const source = named.length > 0 ? 'ipFamilies says' : 'the pods have'
    const problem = `${text} is ${FAMILY_NAMES[family]}, expected ${wanted.join(' or ')} as ${source}`
    throw file.error(stray.path, problem)
  }
  const has = (kind: NetworkKind, family: string) =>
    networks[kind].some(({ cidr }) => FAMILY_NAMES[cidr.family] === family)
  const missing = wanted.filter((family) => isReconciled && !NETWORK_KINDS.some((kind) => has(kind, family)))
  const present = wanted.filter((family) => !missing.includes(family))
  for (const kind of ['pods', 'services'] as const) {
    const absent = present.find((family) => !has(kind, family))
    if (absent === undefined) continue
    const found = present.filter((family) => has(kind, family)).join(', ')
    const problem = `${found} only, expected a network of ${absent} too: ${advice}`
    throw file.error(networks[kind][0]?.path ?? [], problem)
  }
  return { families: present.map(toFamily), missing: missing.map(toFamily) }
}

function toFamily(name: string): Family {
  return name === FAMILY_NAMES[4] ? 4 : 6
}
