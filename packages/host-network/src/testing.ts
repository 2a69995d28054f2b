export { checkConflicts, checkConnected } from './apply/conflict-guard.js'
export { sweepNetwork } from './apply/sweep-network.js'
export { wantSeedNetwork, wantShootNetwork } from './apply/wanted-network.js'
export type { DropCounter } from './firewall/drop-counters.js'
export {
  type DecidingRule,
  dropsTunnel,
  readIptablesRule,
  readNftRule,
} from './firewall/foreign-rules.js'
export { renderSeedRuleset, SEED_DROP_COUNTERS } from './firewall/seed-ruleset.js'
export { renderShootRuleset, SHOOT_DROP_COUNTERS } from './firewall/shoot-ruleset.js'
export { explainRefusal } from './kernel/open-tun-device.js'
export { readIpAnswers } from './kernel/run-tool.js'
export type { TunLink } from './kernel/tun-link.js'
export { nftTableName, ownedNumber } from './owned-names.js'
export type { LinkPlan } from './plan/network-plan.js'
export { resolveSeedPlan, resolveShootPlan } from './plan/resolve-plan.js'
export { decisionOf, type PolicyRoute, type PolicyRule, refusalOf } from './routes/policy-rules.js'
export { renderFallbackLines, renderLinkLines, seedLinks, shootLinks } from './routes/wanted-links.js'
export { markOf, markOn, parseMark, renderMark, type SetupMark } from './setup/setup-mark.js'
export type { NetworkSetup } from './tunnel-interface.js'
