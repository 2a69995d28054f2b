import { parseAddressNormalized } from './address.js'
import { AddressError } from './address-error.js'
import { type Cidr, parseCidr } from './cidr.js'
import { type AddressRange, mergeRanges, rangesOverlap, rangeToCidrs, subtractRanges } from './cidr-range.js'

/** Flipping the top bit makes signed comparison of 32-bit words the order of unsigned ones. */
const SIGN = 0x8000_0000
const WORDS_OF_4 = 1
const WORDS_OF_6 = 4

/**
 * An immutable set of IPv4 and IPv6 addresses, made from CIDRs and kept as sorted disjoint ranges. `contains4` and
 * `contains6` stand in the path of every packet: binary search, no allocation.
 */
export class CidrSet {
  readonly #ranges4: readonly AddressRange[]
  readonly #ranges6: readonly AddressRange[]
  // Per range first then last address, in words of 32 bits, most significant first, with SIGN flipped.
  readonly #table4: Int32Array
  readonly #table6: Int32Array

  private constructor(ranges4: readonly AddressRange[], ranges6: readonly AddressRange[]) {
    this.#ranges4 = ranges4
    this.#ranges6 = ranges6
    this.#table4 = toTable(ranges4, WORDS_OF_4)
    this.#table6 = toTable(ranges6, WORDS_OF_6)
  }

  /** @throws AddressError as `parseCidr` */
  static of(cidrs: Iterable<string | Cidr>): CidrSet {
    const parsed = Array.from(cidrs, (cidr) => (typeof cidr === 'string' ? parseCidr(cidr) : cidr))
    return new CidrSet(
      mergeRanges(parsed.filter((cidr) => cidr.family === 4)),
      mergeRanges(parsed.filter((cidr) => cidr.family === 6)),
    )
  }

  get isEmpty(): boolean {
    return this.#ranges4.length === 0 && this.#ranges6.length === 0
  }

  /** @param address 32 bits, taken as a signed or an unsigned number alike */
  contains4(address: number): boolean {
    const table = this.#table4
    const word = address ^ SIGN
    let low = 0
    let high = table.length >> 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((table[middle * 2] as number) <= word) low = middle + 1
      else high = middle
    }
    return low > 0 && word <= (table[low * 2 - 1] as number)
  }

  /** @param bytes holds the address in network order from `offset`, 16 bytes */
  contains6(bytes: Uint8Array, offset: number): boolean {
    const table = this.#table6
    if (table.length === 0) return false
    const word0 = int32(bytes, offset) ^ SIGN
    const word1 = int32(bytes, offset + 4) ^ SIGN
    const word2 = int32(bytes, offset + 8) ^ SIGN
    const word3 = int32(bytes, offset + 12) ^ SIGN
    let low = 0
    let high = table.length >> 3
    while (low < high) {
      const middle = (low + high) >> 1
      if (isAtMost(table, middle * 8, word0, word1, word2, word3)) low = middle + 1
      else high = middle
    }
    if (low === 0) return false
    const last = low * 8 - 4
    return (
      !isAtMost(table, last, word0, word1, word2, word3) ||
      (word3 === table[last + 3] &&
        word2 === table[last + 2] &&
        word1 === table[last + 1] &&
        word0 === table[last])
    )
  }

  /**
   * @param address IPv4-mapped IPv6 counts as the IPv4 address it names
   * @throws AddressError ERR_CIDR_INVALID when it is no address (a zone makes it none): neither answer would be safe
   */
  has(address: string): boolean {
    const parsed = parseAddressNormalized(address)
    if (parsed === undefined) {
      throw new AddressError(
        'ERR_CIDR_INVALID',
        `${JSON.stringify(address)} is not valid, expected an IP address`,
      )
    }
    return this.#ranges(parsed.family).some(
      ({ first, last }) => first <= parsed.value && parsed.value <= last,
    )
  }

  /** Whether any address is in both sets. */
  overlaps(other: CidrSet): boolean {
    return rangesOverlap(this.#ranges4, other.#ranges4) || rangesOverlap(this.#ranges6, other.#ranges6)
  }

  /** What is in this set and not in the other. */
  without(other: CidrSet): CidrSet {
    return new CidrSet(
      subtractRanges(this.#ranges4, other.#ranges4),
      subtractRanges(this.#ranges6, other.#ranges6),
    )
  }

  /** The fewest CIDRs that make up the set, canonical, IPv4 first, ascending. */
  toStrings(): string[] {
    return ([4, 6] as const).flatMap((family) =>
      this.#ranges(family).flatMap((range) => rangeToCidrs(family, range).map((cidr) => cidr.text)),
    )
  }

  #ranges(family: 4 | 6): readonly AddressRange[] {
    return family === 4 ? this.#ranges4 : this.#ranges6
  }
}

function isAtMost(
  table: Int32Array,
  at: number,
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  if (table[at] !== word0) return (table[at] as number) < word0
  if (table[at + 1] !== word1) return (table[at + 1] as number) < word1
  if (table[at + 2] !== word2) return (table[at + 2] as number) < word2
  return (table[at + 3] as number) <= word3
}

function toTable(ranges: readonly AddressRange[], words: number): Int32Array {
  return Int32Array.from(
    ranges.flatMap(({ first, last }) => [...toWords(first, words), ...toWords(last, words)]),
  )
}

function toWords(address: bigint, words: number): number[] {
  return Array.from(
    { length: words },
    (_, index) => Number(BigInt.asIntN(32, address >> BigInt((words - 1 - index) * 32))) ^ SIGN,
  )
}

/** Big-endian, as the signed number of the same bits: an unsigned one would not stay a small integer in V8. */
function int32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
