export { SHOOT_CLIENT_OPTIONS, type ShootClientOptions } from './options.js'
export { startShootClient } from './shoot-client.js'
