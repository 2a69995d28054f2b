import { fileURLToPath } from 'node:url'
import type { Host, LabProcess } from '@reversed-vpn/test/lab'
import { BULK_PORT } from './ports.js'

const PROGRAM = fileURLToPath(new URL('./bulk-server.js', import.meta.url))

/** The other end of `download` and `upload`. */
export async function startBulkServer(host: Host): Promise<LabProcess> {
  const server = await host.spawn(process.execPath, [PROGRAM, String(BULK_PORT)])
  await server.waitForLine(/^listening$/)
  return server
}
