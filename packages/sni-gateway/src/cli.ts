import { readFileSync } from 'node:fs'
import { defineDaemon } from '@reversed-vpn/daemon'
import { SNI_GATEWAY_OPTIONS } from './options.js'
import { startSniGateway } from './sni-gateway.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The sni-gateway as a command. */
export const sniGateway = defineDaemon({
  name: 'sni-gateway',
  version,
  description:
    'The gateway that all shoots of a seed share: routes TLS by server name and CONNECT by header, without terminating TLS.',
  options: SNI_GATEWAY_OPTIONS,
  start: startSniGateway,
})
