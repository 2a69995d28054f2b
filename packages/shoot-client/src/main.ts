import { runDaemon } from '@reversed-vpn/daemon'
import { shootClient } from './cli.js'

await runDaemon(shootClient)
