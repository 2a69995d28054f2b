import type { Load, Peer } from '../peers/peer.js'
import type { Scenario } from './scenario.js'

const REASONS: Readonly<Record<Load, string>> = {
  tcp: 'stands only for what the egress proxy is held against',
  packets: 'relays TCP connections and no packets',
  egress:
    'has no port for callers with mutual TLS, or one that is no other than that of a peer which is measured',
}

/** Why a peer has no part in a scenario; undefined when it has. */
export function reasonAgainst(peer: Peer, { load }: Scenario): string | undefined {
  const carries = peer.carries ?? ['tcp', 'packets']
  if (carries.includes(load)) return undefined
  return load === 'packets' && !carries.includes('tcp') ? REASONS.tcp : REASONS[load]
}

const WHOLE_IN_SMOKE: readonly string[] = ['openvpn', 'ours', 'haproxy-egress']
const SMOKE_FOR_ALL: readonly string[] = ['tcp-1-to-shoot', 'udp-64-to-shoot']

/** The same for a smoke run of everything: every scenario runs, and every peer, but not each in each. */
export function reasonAgainstInSmoke(peer: Peer, scenario: Scenario): string | undefined {
  const isLeftOut = !WHOLE_IN_SMOKE.includes(peer.name) && !SMOKE_FOR_ALL.includes(scenario.name)
  return reasonAgainst(peer, scenario) ?? (isLeftOut ? 'is left out of a smoke run' : undefined)
}
