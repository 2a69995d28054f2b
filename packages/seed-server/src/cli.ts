import { defineTunnelDaemon } from '@reversed-vpn/tunnel-daemon'
import { SEED_SERVER_OPTIONS } from './options.js'
import { startSeedServer } from './seed-server.js'
import { setup } from './setup.js'

/** The seed-server as a command. */
export const seedServer = defineTunnelDaemon(new URL('../package.json', import.meta.url), {
  name: 'seed-server',
  description:
    'Seed side of the reversed VPN: accepts the shoot-client, and lets kube-apiserver reach pods, nodes and services.',
  options: SEED_SERVER_OPTIONS,
  commands: [setup],
  start: startSeedServer,
})
