export { Authority, type CertificatePair, type LeafRequest, type Validity } from './certs/authority.js'
export {
  type CertificateSet,
  type CertificateSetOptions,
  makeCertificateSet,
} from './certs/certificate-set.js'
export { reversedVpn } from './cli.js'
export type { Output } from './commands/output.js'
export {
  type DirectionDecision,
  type DirectionInput,
  type DirectionReason,
  decideDirection,
  REVERSED_VPN_ANNOTATION,
} from './feature-gate/decide-direction.js'
export {
  FEATURE_GATE_DEFAULTS,
  type FeatureGates,
  resolveFeatureGates,
} from './feature-gate/feature-gates.js'
export {
  isAtLeast,
  type KubernetesVersion,
  parseKubernetesVersion,
} from './feature-gate/kubernetes-version.js'
export { parseBool } from './feature-gate/parse-bool.js'
export type { Manifest, RenderedFile } from './manifest/manifest.js'
export { toFileText, toStream } from './manifest/yaml-text.js'
export { renderFiles } from './render-files.js'
export type { RenderSetting } from './setting/render-setting.js'
