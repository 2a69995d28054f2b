export { reversedVpn } from './cli.js'
