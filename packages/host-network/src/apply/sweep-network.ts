import { readIpJson, runIpBatch, runTool } from '../kernel/run-tool.js'
import { nftTableName } from '../owned-names.js'
import { deleteOwned, readOwnedState } from '../routes/owned-state.js'

/**
 * Takes away everything of ours that belongs to the TUN of that name, whoever put it there; nothing of others. Idempotent,
 * also when the TUN is gone. Forwarding sysctls stay as they are.
 *
 * @throws NetworkError ERR_NETWORK_COMMAND, ERR_NETWORK_COMMAND_TIMEOUT or ERR_NETWORK_TOOL_MISSING
 */
export async function sweepNetwork(tun: string): Promise<void> {
  // Down first, firewall last: no packet passes the TUN without its rules.
  await quietTun(tun)
  await deleteOwned(tun, await readOwnedState(tun))
  const table = `table inet ${nftTableName(tun)}`
  await runTool('nft', ['-f', '-'], `${table}\ndelete ${table}\n`)
}

async function quietTun(tun: string): Promise<void> {
  if (!(await exists(tun))) return
  try {
    await runIpBatch([`link set dev ${tun} down`, `address flush dev ${tun}`])
  } catch (error) {
    if (await exists(tun)) throw error
  }
}

async function exists(tun: string): Promise<boolean> {
  const devices = await readIpJson<{ ifname: string }>(['link', 'show'])
  return devices.some(({ ifname }) => ifname === tun)
}
