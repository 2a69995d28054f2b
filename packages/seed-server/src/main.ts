import { runDaemon } from '@reversed-vpn/daemon'
import { seedServer } from './cli.js'

await runDaemon(seedServer)
