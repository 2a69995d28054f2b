export type { PeerVerdict } from './authorize-peer.js'
export { Authority, type Pair } from './testing/authority.js'
export { forgedNames } from './testing/forged-names.js'
export { secureContextOptions } from './tls-material.js'
