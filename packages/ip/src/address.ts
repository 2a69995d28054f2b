const IPV6_WORDS = 8
const DECIMAL_BYTE = /^(?:0|[1-9]\d{0,2})$/
const HEX_WORD = /^[0-9a-f]{1,4}$/i

/** One address as a number. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** How many bits an address has. */
export const FAMILY_BITS = { 4: 32, 6: 128 } as const

/** What stands before the 32 bits of an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2). */
export const MAPPED_PREFIX = 0xffffn

/** Reads one address. IPv4-mapped IPv6 stays IPv6. `undefined` for anything else, also for an address with a zone. */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return { family: 4, value: ipv4 }
  const ipv6 = parseIpv6(text)
  return ipv6 === undefined ? undefined : { family: 6, value: ipv6 }
}

/** As `parseAddress`, but IPv4-mapped IPv6 becomes the IPv4 address that it names. */
export function parseAddressNormalized(text: string): Address | undefined {
  const address = parseAddress(text)
  if (address === undefined || address.family === 4) return address
  return address.value >> 32n === MAPPED_PREFIX ? { family: 4, value: address.value & 0xffff_ffffn } : address
}

/** Canonical text, IPv6 as in RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  return family === 4 ? formatIpv4(value) : formatIpv6(value)
}

/** The canonical text of what `parseAddressNormalized` reads. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddressNormalized(text)
  return address && formatAddress(address)
}

/** The 32 bits of an IPv4 address in four decimal parts without leading zeros, or undefined. */
function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => DECIMAL_BYTE.test(part) && Number(part) <= 255))
    return undefined
  return BigInt(parts.reduce((value, part) => value * 256 + Number(part), 0))
}

/** The 128 bits of an IPv6 address without a zone (RFC 4291 §2.2), or undefined. */
function parseIpv6(text: string): bigint | undefined {
  const hexText = withHexTail(text)
  if (hexText === undefined) return undefined
  const [head = '', tail, ...rest] = hexText.split('::')
  const before = wordsOf(head)
  if (tail === undefined) return before.length === IPV6_WORDS ? joinWords(before) : undefined
  const after = wordsOf(tail)
  const zeros = IPV6_WORDS - before.length - after.length
  if (rest.length > 0 || zeros < 1) return undefined
  return joinWords([...before, ...new Array<string>(zeros).fill('0'), ...after])
}

function formatIpv4(value: bigint): string {
  const bits = Number(value)
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.')
}

/** As in RFC 5952 §4: the first of the longest runs of zeros is left out, if it is more than one. */
function formatIpv6(value: bigint): string {
  const words = Array.from({ length: IPV6_WORDS }, (_, index) =>
    ((value >> BigInt(16 * (IPV6_WORDS - 1 - index))) & 0xffffn).toString(16),
  )
  let [runStart, runLength] = [0, 1]
  for (let start = 0; start < IPV6_WORDS; start++) {
    let end = start
    while (words[end] === '0') end++
    if (end - start > runLength) [runStart, runLength] = [start, end - start]
  }
  if (runLength === 1) return words.join(':')
  return `${words.slice(0, runStart).join(':')}::${words.slice(runStart + runLength).join(':')}`
}

/** An IPv4 address at the end stands for the last two words. */
function withHexTail(text: string): string | undefined {
  const tailStart = text.lastIndexOf(':') + 1
  if (!text.includes('.')) return text
  const tail = parseIpv4(text.slice(tailStart))
  if (tail === undefined || tailStart === 0) return undefined
  return `${text.slice(0, tailStart)}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
}

function wordsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

function joinWords(words: readonly string[]): bigint | undefined {
  if (!words.every((word) => HEX_WORD.test(word))) return undefined
  return words.reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n)
}
