import { type Cidr, CidrSet, parseNetworkCidr } from '@reversed-vpn/ip'
import type { InputFile, InputPath } from './input-file.js'

export const NETWORK_KINDS = ['pods', 'services', 'nodes'] as const
export type NetworkKind = (typeof NETWORK_KINDS)[number]

export const FAMILY_NAMES = { 4: 'IPv4', 6: 'IPv6' } as const

/** The networks of a shoot. None of one kind overlaps one of another. */
export type Networks = Readonly<Record<NetworkKind, readonly Cidr[]>>

/** Networks as written, and where in the document. */
export type GivenNetworks = Readonly<
  Record<NetworkKind, { readonly path: InputPath; readonly texts: readonly string[] }>
>

/**
 * @param ipFamilies the families that the shoot names, none when it leaves them to its networks
 * @throws UsageError naming the path of a network that is malformed, missing, overlapping, or of another family
 */
export function readNetworks(file: InputFile, given: GivenNetworks, ipFamilies: readonly string[]): Networks {
  const networks = {
    pods: readKind(file, 'pods', given),
    services: readKind(file, 'services', given),
    nodes: readKind(file, 'nodes', given),
  }
  refuseOverlaps(file, given, networks)
  checkFamilies(file, ipFamilies, given, networks)
  return networks
}

/** The families of a shoot, in the order of its pod networks. */
export function familiesOf(networks: Networks): readonly (4 | 6)[] {
  return [...new Set(networks.pods.map(({ family }) => family))]
}

function readKind(file: InputFile, kind: NetworkKind, given: GivenNetworks): Cidr[] {
  const { path, texts } = given[kind]
  if (texts.length === 0)
    throw file.error(path, `is not given, expected the network of the shoot's ${kind}, such as 10.0.0.0/16`)
  return texts.map((text) => {
    try {
      return parseNetworkCidr(text)
    } catch (error) {
      throw file.error(path, (error as Error).message)
    }
  })
}

export function overlaps(left: Cidr, right: Cidr): boolean {
  return CidrSet.of([left]).overlaps(CidrSet.of([right]))
}

function refuseOverlaps(file: InputFile, given: GivenNetworks, networks: Networks): void {
  for (const [index, kind] of NETWORK_KINDS.entries()) {
    for (const other of NETWORK_KINDS.slice(0, index)) {
      for (const cidr of networks[kind]) {
        const taken = networks[other].find((candidate) => overlaps(candidate, cidr))
        if (taken === undefined) continue
        const problem = `${cidr.text} overlaps ${taken.text} of ${other}, expected pods, services and nodes apart`
        throw file.error(given[kind].path, problem)
      }
    }
  }
}

/** Pods and services need a network of every family of the shoot, and no kind may have one of another family. */
function checkFamilies(
  file: InputFile,
  named: readonly string[],
  given: GivenNetworks,
  networks: Networks,
): void {
  const wanted = named.length > 0 ? named : familiesOf(networks).map((family) => FAMILY_NAMES[family])
  for (const kind of NETWORK_KINDS) {
    const found = networks[kind].map(({ family }) => FAMILY_NAMES[family])
    const stray = found.findIndex((family) => !wanted.includes(family))
    if (stray >= 0) {
      const source = named.length > 0 ? 'ipFamilies says' : 'the pods have'
      const problem = `${networks[kind][stray]?.text} is ${found[stray]}, expected ${wanted.join(' or ')} as ${source}`
      throw file.error(given[kind].path, problem)
    }
    const missing =
      kind === 'nodes' ? undefined : wanted.find((family) => !found.some((one) => one === family))
    if (missing !== undefined)
      throw file.error(given[kind].path, `${found.join(', ')} only, expected a network of ${missing} too`)
  }
}
