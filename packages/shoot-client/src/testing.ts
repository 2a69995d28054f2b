export { shootClient } from './cli.js'
export { connectTransport } from './dial/connect-transport.js'
export { type HttpConnectOptions, httpConnect } from './dial/http-connect.js'
export { type KeeperEvents, SessionKeeper } from './reconnect/session-keeper.js'
