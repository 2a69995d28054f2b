import type { Host } from '@reversed-vpn/test/lab'

/** What of a host a daemon might leave changed, as text. */
export interface MachineState {
  readonly links: readonly string[]
  readonly addresses: readonly string[]
  readonly routes: readonly string[]
  readonly rules: string
  readonly nftables: string
}

/** Counters and lifetimes left out: two readings of an untouched host are the same. */
export async function readMachine(host: Host): Promise<MachineState> {
  const read = async (command: string, ...args: string[]) => (await host.mustRun(command, args)).stdout
  const both = async (...args: string[]) =>
    (await Promise.all(['-4', '-6'].map((family) => read('ip', family, ...args)))).join('')
  const [links, addresses, routes, rules, nftables] = await Promise.all([
    read('ip', '-br', 'link'),
    read('ip', '-br', 'address'),
    both('route', 'show', 'table', 'all'),
    both('rule', 'show'),
    read('nft', '-s', 'list', 'ruleset'),
  ])
  return {
    links: links.split('\n').map((line) => line.split(/[@ ]/)[0] ?? ''),
    addresses: withoutCarrier(addresses),
    routes: withoutCarrier(routes.replaceAll(/ expires \d+sec/g, '')),
    rules,
    nftables,
  }
}

/** Leaves out what comes and goes by itself with a cable or an address: states, all that is link-local, the local table. */
function withoutCarrier(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line.replaceAll(/ (UP|DOWN|UNKNOWN|LOWERLAYERDOWN|linkdown)\b| fe80::\S+/g, '').replaceAll(/ +/g, ' '),
    )
    .filter((line) => !/fe80::|^(local|anycast|multicast|broadcast) /.test(line))
}
