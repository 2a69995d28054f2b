import type { Host } from '@reversed-vpn/test/lab'
import { type MachineState, readMachine } from './machine.js'

interface TunnelState extends MachineState {
  readonly ifindex: number | undefined
  readonly tables: readonly OwnTable[]
}

interface OwnTable {
  readonly name: string
  readonly handle: number
}

/** What the tunnel put into a host, with the numbers that a thing made anew would not have again. */
export async function readTunnel(host: Host): Promise<TunnelState> {
  const machine = await readMachine(host)
  const link = JSON.parse((await host.mustRun('ip', ['-j', 'link', 'show', 'vpn0'])).stdout) as {
    ifindex: number
  }[]
  return { ...machine, ifindex: link[0]?.ifindex, tables: await ownTables(host) }
}

/** The nftables tables of a host that are ours. */
export async function ownTables(host: Host): Promise<readonly OwnTable[]> {
  const { stdout } = await host.mustRun('nft', ['-j', 'list', 'tables'])
  const { nftables } = JSON.parse(stdout) as { nftables: { table?: OwnTable }[] }
  return nftables.flatMap(({ table }) => (table?.name.startsWith('reversed_vpn') ? [table] : []))
}
