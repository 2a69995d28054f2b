import { readFile } from 'node:fs/promises'

/** How full the table of tracked connections is. New connections are dropped when it is full. */
export interface ConntrackUsage {
  readonly entries: number
  readonly limit: number
}

/** Of this network namespace. @returns undefined where the kernel tracks no connection */
export async function readConntrackUsage(): Promise<ConntrackUsage | undefined> {
  const [entries, limit] = await Promise.all([readNumber('count'), readNumber('max')])
  return entries === undefined || limit === undefined ? undefined : { entries, limit }
}

async function readNumber(name: 'count' | 'max'): Promise<number | undefined> {
  const text = await readFile(`/proc/sys/net/netfilter/nf_conntrack_${name}`, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Number(text)
}
