import { isIPv6 } from 'node:net'

/**
 * Addresses of both families in turn, beginning with the family of the first; within a family the order stays
 * (RFC 8305 §4, with a First Address Family Count of 1). Each once.
 */
export function alternateFamilies(addresses: readonly string[]): readonly string[] {
  const unique = [...new Set(addresses)]
  const [first] = unique
  if (first === undefined) return []
  const isOfFirst = (address: string) => isIPv6(address) === isIPv6(first)
  const preferred = unique.filter(isOfFirst)
  const others = unique.filter((address) => !isOfFirst(address))
  const rounds = Array.from({ length: Math.max(preferred.length, others.length) }, (_, round) => round)
  return rounds
    .flatMap((round) => [preferred[round], others[round]])
    .filter((address) => address !== undefined)
}
