import { defineTunnelDaemon } from '@reversed-vpn/tunnel-daemon'
import { SHOOT_CLIENT_OPTIONS } from './options.js'
import { setup } from './setup.js'
import { startShootClient } from './shoot-client.js'

/** The shoot-client as a command. */
export const shootClient = defineTunnelDaemon(new URL('../package.json', import.meta.url), {
  name: 'shoot-client',
  description:
    'Shoot side of the reversed VPN: connects to the seed-server, and lets it reach pods, nodes and services from here.',
  options: SHOOT_CLIENT_OPTIONS,
  commands: [setup],
  start: startShootClient,
})
