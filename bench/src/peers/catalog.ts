import { DIRECT } from './direct.js'
import { OPENVPN, OPENVPN_PROXY } from './openvpn.js'
import { OURS, OURS_PROXY } from './ours.js'
import type { Peer } from './peer.js'

/** In the order of every table and picture. Those given on the command line come last. */
export const PEERS: readonly Peer[] = [DIRECT, OPENVPN, OPENVPN_PROXY, OURS, OURS_PROXY]
