import { readFileSync } from 'node:fs'
import { defineDaemon } from '@reversed-vpn/daemon'
import { NetworkError } from '@reversed-vpn/host-network'
import { SyscallError } from '@reversed-vpn/node-tun'
import { SHOOT_CLIENT_OPTIONS } from './options.js'
import { setup } from './setup.js'
import { startShootClient } from './shoot-client.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The shoot-client as a command. */
export const shootClient = defineDaemon({
  name: 'shoot-client',
  version,
  description:
    'Shoot side of the reversed VPN: dials out to the seed-server and lets it reach pods, nodes and services from here.',
  options: SHOOT_CLIENT_OPTIONS,
  commands: [setup],
  start: startShootClient,
  isEnvironmentFailure: (error) => error instanceof NetworkError || error instanceof SyscallError,
})
