import { runDaemon } from '@reversed-vpn/daemon'
import { reversedVpn } from './cli.js'
import { processOutput } from './commands/output.js'

await runDaemon(reversedVpn(processOutput))
