export type { CallerRefusal } from './caller-refusals.js'
export { type ConnectRequestHead, type ConnectTarget, parseConnectRequest } from './connect-request.js'
export type { AddressSet, EgressNetworks } from './destination-policy.js'
export type { TransferAddresses } from './dial.js'
export type { EgressEndpoint, EgressTlsMaterial } from './egress-listener.js'
export type { EgressLogger } from './egress-log.js'
export {
  ADMISSION_FAILURES,
  createEgressMetrics,
  type EgressMetrics,
  type EgressState,
  REQUEST_OUTCOMES,
} from './egress-metrics.js'
export { EGRESS_DEFAULTS, type EgressLimits } from './egress-options.js'
export { type AuthoriseCaller, EgressProxy, type EgressProxyOptions } from './egress-proxy.js'
export { EgressRefusal, type RefusalReason } from './egress-refusal.js'
export type { TunnelGate } from './hold-queue.js'
export { createRequestParser, type RequestEvents } from './request-parser.js'
export { type Lookup, lookupWithSystem } from './target-resolver.js'
