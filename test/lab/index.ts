export { Host } from './host.js'
export { Lab } from './lab.js'
export { LabError, type LabErrorCode } from './lab-error.js'
export {
  LabProcess,
  type OutputLine,
  type ProcessExit,
  type SpawnOptions,
  type WaitOptions,
} from './lab-process.js'
export { type CommandResult, mustRunCommand, type RunOptions, runCommand } from './run-command.js'
export { ADDRESSES, type AddressPair, type HostName, NETWORKS, NODE_PUBLIC, SERVICE } from './topology.js'
