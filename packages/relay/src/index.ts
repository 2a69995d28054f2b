export { hasReadAll } from './has-read-all.js'
export { remoteAddressOf } from './remote-address.js'
export {
  type UnfinishedConnection,
  UnfinishedConnections,
  type UnfinishedDrop,
} from './unfinished-connections.js'
