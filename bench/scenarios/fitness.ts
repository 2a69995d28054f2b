import type { Load, Peer } from '../peers/peer.js'
import type { Scenario } from './scenario.js'

const REASONS: Readonly<Record<Load, string>> = {
  tcp: 'takes only callers with mutual TLS',
  packets: 'relays TCP connections but no packets',
  egress: 'no port for callers with mutual TLS, or the same one as another peer',
  'egress-routed': 'carries nothing without its proxy',
}

/** Why a peer is not measured in a scenario; undefined if it is. */
export function reasonAgainst(peer: Peer, { load }: Scenario): string | undefined {
  const supports = peer.supports ?? ['tcp', 'packets']
  if (supports.includes(load)) return undefined
  if (load === 'packets' && !supports.includes('tcp')) return REASONS.tcp
  return load === 'egress-routed' && !supports.includes('egress') ? REASONS.egress : REASONS[load]
}

const WHOLE_IN_SMOKE: readonly string[] = [
  'openvpn',
  'ours',
  'ours-streams',
  'konnectivity',
  'haproxy-egress',
]
const SMOKE_FOR_ALL: readonly string[] = ['tcp-1-to-shoot', 'udp-64-to-shoot']

/** The same for a smoke run: it has every scenario and every peer, but not every combination. */
export function reasonAgainstInSmoke(peer: Peer, scenario: Scenario): string | undefined {
  const isLeftOut = !WHOLE_IN_SMOKE.includes(peer.name) && !SMOKE_FOR_ALL.includes(scenario.name)
  return reasonAgainst(peer, scenario) ?? (isLeftOut ? 'left out of a smoke run' : undefined)
}
