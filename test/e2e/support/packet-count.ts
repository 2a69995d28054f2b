import type { Host } from '@reversed-vpn/test/lab'

const TABLE = 'inet packet_count'

/** Counts what a host sees before anything else looks at it, until it is disposed. */
export interface PacketCount extends AsyncDisposable {
  /** Packets that matched since the beginning. @param match one of those given */
  read(match: string): Promise<number>
  readAll(): Promise<ReadonlyMap<string, number>>
}

/** @param matches of nftables, such as `ip daddr 192.0.2.1` */
export async function countPackets(host: Host, matches: readonly string[]): Promise<PacketCount> {
  const named = new Map(matches.map((match, index) => [match, `match${index}`]))
  const counters = [...named.values()].map((name) => `counter ${name} {}`)
  const rules = [...named].map(([match, name]) => `${match} counter name ${name}`)
  // Behind conntrack, so that its states can be matched, and in front of everyone's rules.
  const chain = 'type filter hook prerouting priority mangle - 10; policy accept;'
  await host.nft(
    `table ${TABLE} {\n${counters.join('\n')}\nchain everything {\n${chain}\n${rules.join('\n')}\n}\n}\n`,
  )
  const read = async (match: string) => {
    const { stdout } = await host.mustRun('nft', [
      'list',
      'counter',
      ...TABLE.split(' '),
      named.get(match) ?? '',
    ])
    return Number(/packets (\d+)/.exec(stdout)?.[1])
  }
  return {
    read,
    readAll: async () =>
      new Map(
        await Promise.all(
          matches.map(async (match): Promise<[string, number]> => [match, await read(match)]),
        ),
      ),
    async [Symbol.asyncDispose]() {
      await host.nft(`delete table ${TABLE}\n`)
    },
  }
}
