// Loaded into the shoot-client before everything else: its resolvers ask the name server of the demo, as if that stood in
// the machine's /etc/resolv.conf, which only root may write.
import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'
import { NAME_SERVER_VARIABLE } from './name-server-variable.js'

const server = process.env[NAME_SERVER_VARIABLE] ?? ''

dns.Resolver = class extends dns.Resolver {
  constructor(...options: ConstructorParameters<typeof dns.Resolver>) {
    super(...options)
    this.setServers([server])
  }
}
syncBuiltinESMExports()
