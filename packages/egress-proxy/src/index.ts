export type { EgressNetworks } from './destination-policy.js'
export { createEgressMetrics } from './egress-metrics.js'
export { EgressProxy } from './egress-proxy.js'
