export { reversedVpn } from './cli.js'
export { decideDirection, parseBool } from './feature-gate/decide-direction.js'
export { resolveFeatureGates } from './feature-gate/feature-gates.js'
export { isAtLeast, parseVersion } from './feature-gate/version.js'
