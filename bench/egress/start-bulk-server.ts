import { fileURLToPath } from 'node:url'
import type { Host, LabProcess } from '@reversed-vpn/test/lab'
import { BULK_PORT } from './load.js'

const PROGRAM = fileURLToPath(new URL('./bulk-server.js', import.meta.url))

/** What `download` and `upload` talk to. */
export async function startBulkServer(host: Host): Promise<LabProcess> {
  const server = await host.spawn(process.execPath, [PROGRAM, String(BULK_PORT)])
  await server.waitForLine(/^listening$/)
  return server
}
