import type { Host } from '@reversed-vpn/test/lab'

/** Lets forwarded packets vanish that match one of these expressions of nftables, until {@link dropNothing}. */
export async function dropPackets(router: Host, ...matches: readonly string[]): Promise<void> {
  await judgePackets(router, 'drop', matches)
}

/** Answers forwarded TCP segments that match one of these expressions with a reset, until {@link dropNothing}. */
export async function resetConnections(router: Host, ...matches: readonly string[]): Promise<void> {
  await judgePackets(router, 'meta l4proto tcp reject with tcp reset', matches)
}

async function judgePackets(router: Host, verdict: string, matches: readonly string[]): Promise<void> {
  await router.nft(`table inet fault {
    chain forward {
      type filter hook forward priority filter; policy accept;
      ${matches.map((match) => `${match} ${verdict}`).join('\n      ')}
    }
  }\n`)
}

export async function dropNothing(router: Host): Promise<void> {
  await router.nft('delete table inet fault\n')
}
