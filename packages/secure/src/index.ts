export { type AuthenticatedPeer, authorizePeer, PEER_REFUSALS } from './authorize-peer.js'
export type { CertificateFacts } from './certificate-facts.js'
export { CertificateStore, type TlsChange } from './certificate-store.js'
export { DIAL_FAILURES, DialError, type DialFailure, toDialError } from './dial-error.js'
export { ExpiryWatch } from './expiry-watch.js'
export { HANDSHAKE_TIMEOUT_MS } from './limits.js'
export { REFUSAL_REASONS, type RefusalReason, refusalReasonOf } from './refusal-reason.js'
export { type SecureTunnelOptions, secureTunnel } from './secure-tunnel.js'
export { TlsAcceptor } from './tls-acceptor.js'
export { TlsHandshakes } from './tls-handshakes.js'
export {
  loadAuthorities,
  loadTlsMaterial,
  type TlsFiles,
  type TlsMaterial,
  tlsFileList,
} from './tls-material.js'
export { TlsMaterialError } from './tls-material-error.js'
