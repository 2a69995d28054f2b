import { readFileSync } from 'node:fs'
import { canonicalAddress } from '@reversed-vpn/ip'

const HOSTS_FILE = '/etc/hosts'

/**
 * The addresses of a name that this host's own file has (hosts(5)), in its order; none when it has none, or cannot be read.
 * Read at once and not on libuv's threads: those may all wait for name servers.
 */
export function lookUpInHostsFile(name: string): readonly string[] {
  let text: string
  try {
    text = readFileSync(HOSTS_FILE, 'utf8')
  } catch {
    return []
  }
  return addressesInHostsFile(text, name)
}

/** @param text of such a file */
export function addressesInHostsFile(text: string, name: string): readonly string[] {
  const wanted = name.toLowerCase()
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (!names.some((own) => own.toLowerCase() === wanted)) return []
    return canonicalAddress(address) ?? []
  })
}
