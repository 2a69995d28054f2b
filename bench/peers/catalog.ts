import { DIRECT } from './direct.js'
import { HAPROXY_EGRESS } from './haproxy-egress.js'
import { HAPROXY_RELAY } from './haproxy-relay.js'
import { KONNECTIVITY } from './konnectivity.js'
import { OPENVPN, OPENVPN_PROXY } from './openvpn.js'
import {
  OURS,
  OURS_GATEWAY,
  OURS_HAPROXY,
  OURS_PROXY,
  OURS_STREAMS,
  OURS_WEB_SOCKET,
  OURS_WEB_SOCKET_NGINX,
} from './ours.js'
import type { Peer } from './peer.js'
import { WIREGUARD_GO } from './wireguard-go.js'

/** In the order of every table and picture. External peers come last. */
export const PEERS: readonly Peer[] = [
  DIRECT,
  OPENVPN,
  OPENVPN_PROXY,
  WIREGUARD_GO,
  HAPROXY_RELAY,
  OURS,
  OURS_STREAMS,
  OURS_PROXY,
  OURS_GATEWAY,
  OURS_HAPROXY,
  OURS_WEB_SOCKET,
  OURS_WEB_SOCKET_NGINX,
  KONNECTIVITY,
  HAPROXY_EGRESS,
]
