import { type Cidr, overlaps, parseCidr } from './cidr.js'
import type { InputFile, InputPath } from './input-file.js'

export const NETWORK_KINDS = ['pods', 'services', 'nodes'] as const
export type NetworkKind = (typeof NETWORK_KINDS)[number]

export const FAMILY_NAMES = { 4: 'IPv4', 6: 'IPv6' } as const

/** The networks of a shoot, as they are usually written. None of one kind overlaps one of another. */
export type Networks = Readonly<Record<NetworkKind, readonly Cidr[]>>

/** Networks as a document has them, with the place where they stand. */
export type GivenNetworks = Readonly<
  Record<NetworkKind, { readonly path: InputPath; readonly texts: readonly string[] }>
>

/** @throws UsageError naming the path of what is no network, what is missing, and what overlaps */
export function readNetworks(file: InputFile, given: GivenNetworks): Networks {
  const networks = {
    pods: readKind(file, 'pods', given),
    services: readKind(file, 'services', given),
    nodes: readKind(file, 'nodes', given),
  }
  refuseOverlaps(file, given, networks)
  return networks
}

/** The families that a shoot has, in the order in which its pods' networks name them. */
export function familiesOf(networks: Networks): readonly (4 | 6)[] {
  return [...new Set(networks.pods.map(({ family }) => family))]
}

function readKind(file: InputFile, kind: NetworkKind, given: GivenNetworks): Cidr[] {
  const { path, texts } = given[kind]
  if (texts.length === 0)
    throw file.error(path, `is not given, expected the network of the shoot's ${kind}, such as 10.0.0.0/16`)
  return texts.map((text) => {
    try {
      return parseCidr(text)
    } catch (error) {
      throw file.error(path, (error as Error).message)
    }
  })
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
