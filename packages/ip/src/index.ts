export { canonicalAddress, formatAddress, parseAddress, parseAddressNormalized } from './address.js'
export { AddressError } from './address-error.js'
export {
  type Cidr,
  makeCidr,
  networkAround,
  parseAddressWithPrefix,
  parseCidr,
  parseNetworkCidr,
} from './cidr.js'
export { CidrSet } from './cidr-set.js'
export { FORBIDDEN_DESTINATIONS } from './forbidden-destinations.js'
export { allNetworks, type ShootNetworks } from './shoot-networks.js'
export {
  DEFAULT_TRANSFER_NETWORKS,
  findTransferProblem,
  parseTransferAddress,
  type TransferAddress,
  transferAddressOf,
} from './transfer-address.js'
