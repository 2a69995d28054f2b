export { registerCertificateMetrics } from './certificate-metrics.js'
export { INTERFACE_SYNTAX, NETWORK_SYNTAX, TRANSFER_NETWORK_SYNTAX } from './network-values.js'
export { reportExpiry } from './report-expiry.js'
export {
  countDialFailures,
  countProtocolErrors,
  countRefusals,
  registerTunnelMetrics,
} from './tunnel-metrics.js'
export { describeSession } from './tunnel-status.js'
