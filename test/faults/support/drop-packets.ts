import type { Host } from '@reversed-vpn/test/lab'

/** Lets forwarded packets vanish that match one of these expressions of nftables, until {@link dropNothing}. */
export async function dropPackets(router: Host, ...matches: readonly string[]): Promise<void> {
  await router.nft(`table inet fault {
    chain forward {
      type filter hook forward priority filter; policy accept;
      ${matches.map((match) => `${match} drop`).join('\n      ')}
    }
  }\n`)
}

export async function dropNothing(router: Host): Promise<void> {
  await router.nft('delete table inet fault\n')
}
