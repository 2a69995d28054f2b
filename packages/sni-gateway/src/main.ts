import { runDaemon } from '@reversed-vpn/daemon'
import { sniGateway } from './cli.js'

await runDaemon(sniGateway)
