import { readFileSync } from 'node:fs'
import { defineDaemon } from '@reversed-vpn/daemon'
import { NetworkError } from '@reversed-vpn/host-network'
import { SyscallError } from '@reversed-vpn/node-tun'
import { SEED_SERVER_OPTIONS } from './options.js'
import { startSeedServer } from './seed-server.js'
import { setup } from './setup.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The seed-server as a command. */
export const seedServer = defineDaemon({
  name: 'seed-server',
  version,
  description:
    'Seed side of the reversed VPN: waits for the shoot-client, and lets the kube-apiserver reach pods, nodes and services.',
  options: SEED_SERVER_OPTIONS,
  commands: [setup],
  start: startSeedServer,
  isEnvironmentFailure: (error) => error instanceof NetworkError || error instanceof SyscallError,
})
