export * from './components/connect-gateway.js'
export * from './components/daemon.js'
export * from './components/measure-servers.js'
export * from './components/nginx.js'
export * from './components/openvpn-pair.js'
export * from './components/prometheus.js'
export * from './components/relays.js'
export * from './components/seed-server.js'
export * from './components/shoot-client.js'
export * from './components/sni-gateway.js'
export { emulateArm64, emulationDir } from './emulation.js'
export { Host } from './host.js'
export { type JoinedLab, joinAtGateway } from './join-at-gateway.js'
export { Lab } from './lab.js'
export { LabError, type LabErrorCode } from './lab-error.js'
export {
  LabProcess,
  type OutputLine,
  type ProcessExit,
  type SpawnOptions,
  type WaitOptions,
} from './lab-process.js'
export * from './openssl-authority.js'
export * from './pki.js'
export { type CommandResult, mustRunCommand, type RunOptions, runCommand } from './run-command.js'
export { ADDRESSES, type AddressPair, type HostName, NETWORKS, NODE_PUBLIC, SERVICE } from './topology.js'
export { setDefaultCongestion } from './wan/default-congestion.js'
export * from './wan/wan-link.js'
export type { WanDirection, WanSettings } from './wan/wan-settings.js'
