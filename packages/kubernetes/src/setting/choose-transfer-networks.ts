import { parseCidr } from '@reversed-vpn/ip'
import type { InputFile } from '../input/input-file.js'
import { type Family, NETWORK_KINDS, type Networks, overlaps } from '../input/networks.js'
import type { OptionErrors } from './option-errors.js'

/** The networks that transfer networks have to keep away from. */
interface Taken {
  readonly file: InputFile
  readonly networks: Networks
  readonly families: readonly Family[]
}

/**
 * One transfer network for each family of the shoot. It must not overlap the shoot's own networks.
 * @throws UsageError naming the flag, or the place of the network that it overlaps
 */
export function chooseTransferNetworks(
  given: readonly string[],
  { file, networks, families }: Taken,
  errors: OptionErrors,
): string[] {
  return families.map((family) => {
    const [network, second] = given.map(parseCidr).filter((candidate) => candidate.family === family)
    if (network === undefined || second !== undefined)
      throw errors.optionError('vpn-network', `expected one network of IPv${family}, a family of the shoot`)
    for (const kind of NETWORK_KINDS) {
      const taken = networks[kind].find(({ cidr }) => overlaps(cidr, network))
      if (taken === undefined) continue
      const problem = `${taken.cidr.text} overlaps the transfer network ${network.text}, expected --vpn-network elsewhere`
      throw file.error(taken.path, problem)
    }
    return network.text
  })
}
