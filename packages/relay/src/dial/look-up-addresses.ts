import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { lookupError } from './lookup-error.js'
import { NameServers } from './name-servers.js'
import { candidatesOf, hasOtherSources, hostsFileAddresses, readSystemFiles } from './resolver-files.js'

/** How long the addresses of one family wait for those of the other. */
const OTHER_FAMILY_WAIT_MS = 250

/**
 * Finds the addresses of a name: in the hosts file, or from the name servers with the search list. Not by `getaddrinfo`,
 * which keeps a thread that nothing can cancel, and that the end of the process waits for. Only where the host has other
 * sources of names (nsswitch.conf) is that the one to ask.
 *
 * @throws an error with code `ENOTFOUND`, or `EAI_AGAIN` where no server could tell
 */
export async function lookUpAddresses(name: string): Promise<readonly string[]> {
  const files = readSystemFiles()
  if (hasOtherSources(files.nsswitch, name)) return lookUpByLibrary(name)
  const known = hostsFileAddresses(files.hosts, name)
  if (known.length > 0) return known
  const servers = new NameServers()
  let failure: unknown
  for (const candidate of candidatesOf(files.resolv, name)) {
    const { addresses, error } = await query(servers, candidate)
    if (addresses.length > 0) return addresses
    failure ??= error
  }
  if (failure === undefined) throw lookupError('ENOTFOUND', `look-up of ${name}: there is no such name`)
  throw lookupError('EAI_AGAIN', `look-up of ${name}: ${codeOf(failure)} from the name servers`, failure)
}

interface QueryResult {
  readonly addresses: readonly string[]
  /** Why it is not known whether there are more. */
  readonly error: unknown
}

async function query(servers: NameServers, name: string): Promise<QueryResult> {
  const found: { ipv4: string[]; ipv6: string[] } = { ipv4: [], ipv6: [] }
  let error: unknown
  const ask = async (family: 'ipv4' | 'ipv6', answer: Promise<string[]>) => {
    try {
      found[family] = await answer
    } catch (cause) {
      if (!['ENOTFOUND', 'ENODATA'].includes(codeOf(cause))) error = cause
    }
    if (found[family].length === 0) throw new Error('none')
  }
  const asked = [ask('ipv4', servers.resolve4(name)), ask('ipv6', servers.resolve6(name))]
  const all = Promise.allSettled(asked)
  const one = Promise.any(asked).then(
    () => wait(OTHER_FAMILY_WAIT_MS, undefined, { ref: false }),
    () => all,
  )
  await Promise.race([all, one])
  const { ipv4, ipv6 } = found
  return { addresses: hasIPv6() ? [...ipv6, ...ipv4] : [...ipv4, ...ipv6], error }
}

/** Whether this host has an address that reaches beyond its links (RFC 6724 prefers IPv6 then). */
function hasIPv6(): boolean {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ address, internal }) => !internal && isIPv6(address) && !/^fe[89ab]/i.test(address))
}

async function lookUpByLibrary(name: string): Promise<readonly string[]> {
  const answers = await lookup(name, { all: true, verbatim: true })
  return answers.map(({ address }) => address)
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'no answer'
}
