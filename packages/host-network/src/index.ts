export {
  type AppliedNetwork,
  applySeedNetwork,
  applyShootNetwork,
  type UpdatableNetwork,
} from './apply/apply-network.js'
export { NETWORK_OBJECTS, type NetworkDifference } from './apply/difference.js'
export type { Diversion } from './apply/diversions.js'
export { readDropCounters } from './firewall/drop-counters.js'
export { type ForeignDrop, findForeignDrops } from './firewall/foreign-drops.js'
export { FOREIGN_HOOKS } from './firewall/foreign-rules.js'
export { watchRulesetEvents } from './guard/network-events.js'
export { guardNetwork } from './guard/network-guard.js'
export { chooseCongestion } from './kernel/choose-congestion.js'
export { type ConntrackUsage, readConntrackUsage } from './kernel/conntrack-usage.js'
export { NetworkError } from './network-error.js'
export type { SeedNetworkPlan, ShootNetworkPlan } from './plan/network-plan.js'
export { checkPreparedSeedNetwork, checkPreparedShootNetwork } from './setup/check-prepared.js'
export {
  removeSetUpNetwork,
  type SetUpNetwork,
  setUpSeedNetwork,
  setUpShootNetwork,
} from './setup/set-up-network.js'
export type { SetupOwner } from './setup/setup-mark.js'
export {
  NETWORK_SETUPS,
  openTunnelInterface,
  type TunnelInterface,
  withoutInterface,
} from './tunnel-interface.js'
