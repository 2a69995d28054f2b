import { type DaemonContext, metricsPrefix, ownResources } from '@reversed-vpn/daemon'
import { allNetworks, CidrSet, FORBIDDEN_DESTINATIONS, type ShootNetworks } from '@reversed-vpn/ip'
import {
  ByteBudget,
  LOOKUP_LIMITS,
  lookUpAddresses,
  type TargetNetworks,
  TargetResolver,
} from '@reversed-vpn/relay'
import { WindowBudget } from '@reversed-vpn/streams'
import type { TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import { ownPortsOf, type ShootClientOptions } from '../options.js'
import type { Setting } from '../setting.js'
import { createOutboundMetrics } from './outbound-metrics.js'
import { OutboundTargets } from './outbound-targets.js'
import { roomForStreams } from './room.js'
import { SeedStreams } from './seed-streams.js'

/** What the shoot-client does for streams. */
export interface Streams {
  readonly targets: OutboundTargets
  /** Of one seed-server. */
  readonly createSeedStreams: () => SeedStreams
  /** Targets may be in these from now on; at first in none. */
  setNetworks(networks: ShootNetworks): void
}

/** Dials that wait for an answer, look-ups included. */
const MAX_DIALS = 1024
/** Below what the seed side waits, so that it is told why. */
const DIAL_TIMEOUT_MS = 9000
/** Longer than a seed-server holds its callers: that decides how long streams outlive their last lane. */
const HOLD_MS = 120_000

/** @returns undefined where lanes carry none */
export function openStreams(
  options: ShootClientOptions,
  { carries }: Pick<Setting, 'carries'>,
  { registry, streamTotals: totals }: Pick<TunnelRuntime, 'registry' | 'streamTotals'>,
  { name, log, defer }: Pick<DaemonContext, 'name' | 'log' | 'defer'>,
): Streams | undefined {
  const metrics = createOutboundMetrics({
    registry,
    prefix: metricsPrefix(name),
    log: log.child({ component: 'streams' }),
  })
  if (!carries.includes('streams')) return undefined
  const { maxStreams, windowBytes, bulkBytes } = roomForStreams(ownResources())
  const targets = new OutboundTargets({
    networks: targetNetworks(CidrSet.of([])),
    ownPorts: ownPortsOf(options),
    resolver: new TargetResolver(lookUpAddresses, LOOKUP_LIMITS),
    budget: new ByteBudget(bulkBytes),
    dialTimeoutMs: DIAL_TIMEOUT_MS,
    maxStreams,
    maxDials: MAX_DIALS,
    events: metrics.events,
  })
  defer('streams', () => targets.abort())
  metrics.observe(targets)
  const seedSetting = {
    carries,
    budget: new WindowBudget(windowBytes),
    maxStreams,
    maxOpening: MAX_DIALS,
    holdMs: HOLD_MS,
    totals,
    onOpen: (incoming: Parameters<OutboundTargets['serve']>[0]) => void targets.serve(incoming),
  }
  return {
    targets,
    createSeedStreams: () => new SeedStreams(seedSetting),
    setNetworks: (networks) => targets.setNetworks(targetNetworks(CidrSet.of(allNetworks(networks)))),
  }
}

function targetNetworks(allowed: CidrSet): TargetNetworks {
  return { allowed, refused: CidrSet.of(FORBIDDEN_DESTINATIONS) }
}
