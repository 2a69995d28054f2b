export type { EgressNetworks } from './destination-policy.js'
export { createEgressMetrics, type EgressMetrics } from './egress-metrics.js'
export { EgressProxy } from './egress-proxy.js'
