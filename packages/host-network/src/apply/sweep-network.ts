import { readIpJson, runIpBatch, runTool } from '../kernel/run-tool.js'
import { nftTableName } from '../owned-names.js'
import { deleteOwned, fallbacksOf, NOTHING_OWNED, readOwnedState, without } from '../routes/owned-state.js'

/**
 * Takes away everything of ours that belongs to the TUN of that name, whoever put it there; nothing of others. Idempotent,
 * also when the TUN is gone. Forwarding stays as it is.
 *
 * @param kept what stays
 * @throws NetworkError ERR_NETWORK_COMMAND, ERR_NETWORK_COMMAND_TIMEOUT or ERR_NETWORK_TOOL_MISSING
 */
export async function sweepNetwork(tun: string, kept: typeof NOTHING_OWNED = NOTHING_OWNED): Promise<void> {
  // Down first, firewall last: no packet passes the TUN without its rules.
  await quietTun(tun)
  await deleteOwned(tun, without(await readOwnedState(tun), kept))
  const table = `table inet ${nftTableName(tun)}`
  await runTool('nft', ['-f', '-'], `${table}\ndelete ${table}\n`)
}

/**
 * The same, but what catches packets stays, as after `kill -9`: without it they would leave by a route of others, in clear.
 * @returns the networks that are caught
 * @throws NetworkError as `sweepNetwork`
 */
export async function releaseNetwork(tun: string): Promise<string[]> {
  const kept = fallbacksOf(await readOwnedState(tun))
  await sweepNetwork(tun, kept)
  return kept.routes.map(({ destination }) => destination)
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
