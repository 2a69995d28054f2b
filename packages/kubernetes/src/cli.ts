import { readFileSync } from 'node:fs'
import { type Daemon, defineDaemon, UsageError } from '@reversed-vpn/daemon'
import { certsCommand } from './commands/certs-command.js'
import { gatewayCommand } from './commands/gateway-command.js'
import type { Output } from './commands/output.js'
import { renderCommand } from './commands/render-command.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The program `reversed-vpn`. It is not a daemon: all it does is in its subcommands. */
export function reversedVpn(output: Output): Daemon {
  return defineDaemon({
    name: 'reversed-vpn',
    version,
    description:
      'Renders the manifests for the tunnel of a shoot and for the gateway of a seed, and creates certificates for a trial.',
    options: {},
    commands: [renderCommand(version, output), gatewayCommand(version, output), certsCommand(output)],
    start() {
      throw new UsageError('no command is given, expected render, gateway or certs')
    },
  })
}
