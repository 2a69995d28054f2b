import { lookup } from 'node:dns/promises'

/** Asks the system's resolver (`getaddrinfo`), so hosts file and search list count as for any other program. */
export async function lookUpAddresses(name: string): Promise<readonly string[]> {
  const answers = await lookup(name, { all: true, verbatim: true })
  return answers.map(({ address }) => address)
}
