import type { ShootNetworks } from '@reversed-vpn/ip'
import {
  CARRIED_KINDS,
  CONTROL_VERSION,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_LANES,
  MAX_NETWORKS,
  OFFLOAD_KINDS,
} from './constants.js'
import type { WelcomeMessage } from './control-message.js'
import { MAX_STREAM_ID } from './stream/stream-constants.js'

const KINDS = ['pod', 'service', 'node'] as const

const NO_NETWORKS: ShootNetworks = { pod: [], service: [], node: [] }

/** No field of a seed side's WELCOME is longer in JSON. It has one address of a family. */
const LONGEST_WELCOME: Omit<WelcomeMessage, 'type'> = {
  version: CONTROL_VERSION,
  session: 'f'.repeat(32),
  token: 'f'.repeat(64),
  lane: MAX_LANES - 1,
  lanesMax: MAX_LANES,
  mtu: 65_535,
  accepts: OFFLOAD_KINDS,
  addresses: { seed: longestAddresses(), shoot: longestAddresses() },
  networks: NO_NETWORKS,
  keepaliveMs: 3_599_999,
  deadAfterMs: 3_600_000,
  carries: CARRIED_KINDS,
  streams: { id: 'f'.repeat(32), lane: MAX_STREAM_ID },
}

/** Bytes of JSON that every WELCOME has for its `networks`. */
const NETWORKS_BYTES = MAX_CONTROL_PAYLOAD_BYTES - jsonBytes(LONGEST_WELCOME) + jsonBytes(NO_NETWORKS)

/** Why WELCOME cannot announce the networks, and the kind that is at fault or has the most of them. */
interface NetworksProblem {
  readonly kind: keyof ShootNetworks
  readonly problem: string
}

/** @returns undefined when every WELCOME can announce the networks, which are canonical CIDRs */
export function findNetworksProblem(networks: ShootNetworks): NetworksProblem | undefined {
  for (const kind of KINDS) {
    const everything = networks[kind].find((network) => network.endsWith('/0'))
    if (everything !== undefined) return { kind, problem: `${everything} is every address of its family` }
    const count = networks[kind].length
    if (count > MAX_NETWORKS)
      return { kind, problem: `${count} networks exceed the ${MAX_NETWORKS} that can be announced` }
  }
  const bytes = jsonBytes(networks)
  if (bytes <= NETWORKS_BYTES) return undefined
  const count = KINDS.reduce((sum, kind) => sum + networks[kind].length, 0)
  const [kind = 'pod'] = KINDS.toSorted((one, other) => jsonBytes(networks[other]) - jsonBytes(networks[one]))
  return {
    kind,
    problem: `${count} networks of all kinds take ${bytes} B and exceed the ${NETWORKS_BYTES} B that can be announced`,
  }
}

function longestAddresses(): string[] {
  return ['255.255.255.255/32', `${'ffff:'.repeat(7)}ffff/128`]
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}
