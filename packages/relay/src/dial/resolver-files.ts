import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'

/** The texts of the files that say how this host finds names; empty for one that cannot be read. */
interface ResolverFiles {
  /** hosts(5) */
  readonly hosts: string
  /** resolv.conf(5) */
  readonly resolv: string
  /** nsswitch.conf(5) */
  readonly nsswitch: string
}

/** Read for each look-up: DHCP and Kubernetes write them anew. */
export function readSystemFiles(): ResolverFiles {
  return {
    hosts: readIfThere('/etc/hosts'),
    resolv: readIfThere('/etc/resolv.conf'),
    nsswitch: readIfThere('/etc/nsswitch.conf'),
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** What this host's own file has for a name; none if it cannot be read. Needs no name server, so it may be asked at any time. */
export function lookUpInHostsFile(name: string): readonly string[] {
  return hostsFileAddresses(readIfThere('/etc/hosts'), name)
}

/** Those that the hosts file has for a name, in its order. `localhost` is this host, whatever the file says (RFC 6761 §6.3). */
export function hostsFileAddresses(hosts: string, anyName: string): readonly string[] {
  const name = anyName.toLowerCase().replace(/\.$/, '')
  const found = wordsOfLines(linesWithWord(hosts.toLowerCase(), name))
    .filter(([address = '', ...names]) => isIP(address) !== 0 && names.includes(name))
    .map(([address = '']) => address)
  return found.length === 0 && name === 'localhost' ? ['127.0.0.1', '::1'] : found
}

/** The lines that may have a word. Some hosts block names by hundred thousands of lines, which would take a second to read. */
function linesWithWord(text: string, word: string): string {
  let lines = ''
  if (word === '') return lines
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
    const isWord = /\s/.test(text[at - 1] ?? '') && /[\s#;]/.test(text[at + word.length] ?? '\n')
    if (!isWord) continue
    const end = text.indexOf('\n', at)
    lines += `${text.slice(text.lastIndexOf('\n', at) + 1, end === -1 ? undefined : end)}\n`
  }
  return lines
}

/** What to ask the name servers for, in order: the name with each domain of the search list, and as it is. */
export function candidatesOf(resolv: string, name: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const lines = wordsOfLines(resolv)
  // The last of both counts.
  const [, ...domains] = lines.findLast(([word]) => word === 'search' || word === 'domain') ?? []
  const options = lines.filter(([word]) => word === 'options').flat()
  const ndots = Number(options.findLast((option) => /^ndots:\d+$/.test(option))?.slice('ndots:'.length) ?? 1)
  const searched = domains
    .filter((domain) => domain !== '.')
    .map((domain) => `${name}.${domain.replace(/\.$/, '')}`)
  const isWhole = name.split('.').length - 1 >= ndots
  return isWhole ? [name, ...searched] : [...searched, name]
}

/** Sources of names that the hosts file and the name servers cover, or that have nothing to say of other hosts. */
const COVERED = new Set(['files', 'dns', 'resolve', 'myhostname', 'mymachines'])

/** Whether the host finds that name in yet another way: LDAP, or multicast for `.local`. */
export function hasOtherSources(nsswitch: string, name: string): boolean {
  const line = /^\s*hosts:(.*)$/m.exec(nsswitch)?.[1] ?? ''
  const sources = line
    .replace(/#.*|\[[^\]]*\]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
  const isLocal = /\.local\.?$/i.test(name)
  return sources.some((source) => !COVERED.has(source) && (isLocal || !source.startsWith('mdns')))
}

function wordsOfLines(text: string): string[][] {
  return text.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  )
}
