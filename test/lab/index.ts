export { type CertificateRequest, type KeyPair, OpensslAuthority } from './certificates/openssl-authority.js'
export {
  type Flaw,
  Pki,
  SEED_SERVER_NAME,
  SHOOT_CLIENT_NAME,
  type ShootCertificates,
  seedServerRequest,
  shootClientRequest,
  withFlaw,
} from './certificates/pki.js'
export { type ConnectGateway, startConnectGateway } from './components/connect-gateway.js'
export { binOf, Daemon, flags, type LogRecord } from './components/daemon.js'
export { MeasureServer, startIperf3 } from './components/measure-servers.js'
export { type Nginx, startNginx } from './components/nginx.js'
export { startOpenvpnPair } from './components/openvpn-pair.js'
export { startPrometheus } from './components/prometheus.js'
export { startHaproxy, startNginxRelay, webSocketSections } from './components/relays.js'
export { curlThroughEgress, networkFlags, ROUTED_CALLER, startSeedServer } from './components/seed-server.js'
export { startShootClient } from './components/shoot-client.js'
export {
  destinationOf,
  type GatewayRoute,
  type SniGateway,
  startSniGateway,
} from './components/sni-gateway.js'
export { emulateArm64, emulationDir } from './hosts/emulation.js'
export { Host } from './hosts/host.js'
export { type JoinedLab, joinAtGateway } from './hosts/join-at-gateway.js'
export { Lab } from './hosts/lab.js'
export { LabProcess, type WaitOptions } from './hosts/lab-process.js'
export { PodMemory } from './hosts/pod-memory.js'
export { type CommandResult, mustRunCommand, runCommand } from './hosts/run-command.js'
export { NETWORKS, NODE_PUBLIC, SERVICE } from './hosts/topology.js'
export { setDefaultCongestion } from './wan/default-congestion.js'
export { startWanLink, WanLink, type WanStatistics } from './wan/wan-link.js'
