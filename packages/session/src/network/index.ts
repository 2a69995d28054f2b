export {
  type AppliedNetwork,
  applySeedNetwork,
  applyShootNetwork,
  type UpdatableNetwork,
} from './apply-network.js'
export { checkPreparedSeedNetwork, checkPreparedShootNetwork } from './check-prepared.js'
export { checkConflicts, checkPeerAddress } from './conflict-guard.js'
export { type DropCounter, readDropCounters } from './drop-counters.js'
export {
  type Gateway,
  type LocalAddress,
  listDefaultGateways,
  listLocalAddresses,
  listNameServers,
  listOccupiedAddresses,
  type OccupiedAddress,
} from './host-network.js'
export {
  type FailedCommand,
  NETWORK_ERROR_CODES,
  NetworkError,
  type NetworkErrorCode,
  type NetworkErrorOptions,
} from './network-error.js'
export type {
  FamilyPlan,
  LinkPlan,
  NamedNetwork,
  NetworkKind,
  ResolvedLinkPlan,
  ResolvedSeedPlan,
  ResolvedShootPlan,
  SeedNetworkPlan,
  ShootNetworkPlan,
} from './network-plan.js'
export {
  nftTableName,
  ownedNumber,
  ROUTE_PROTOCOL,
  RULE_PREFERENCE,
  TUN_ROUTE_METRIC,
} from './owned-names.js'
export { resolveSeedPlan, resolveShootPlan } from './resolve-plan.js'
export { renderSeedRuleset, SEED_DROP_COUNTERS, type SeedDropCounter } from './seed-ruleset.js'
export {
  removeSetUpNetwork,
  type SetUpNetwork,
  setUpSeedNetwork,
  setUpShootNetwork,
} from './set-up-network.js'
export {
  describeOwner,
  markOf,
  markOn,
  type PlanMark,
  parseMark,
  renderMark,
  type SetupMark,
  type SetupOwner,
} from './setup-mark.js'
export { renderShootRuleset, SHOOT_DROP_COUNTERS, type ShootDropCounter } from './shoot-ruleset.js'
export { sweepNetwork } from './sweep-network.js'
export { readTunLink, type TunLink } from './tun-link.js'
export {
  renderFallbackLines,
  renderLinkLines,
  seedLinks,
  shootLinks,
  type WantedLinks,
} from './wanted-links.js'
export { type WantedNetwork, wantSeedNetwork, wantShootNetwork } from './wanted-network.js'
