import { type Cidr, makeCidr } from './cidr.js'

/** Addresses of one family from `first` to `last`, both included. */
export interface AddressRange {
  readonly first: bigint
  readonly last: bigint
}

/** Sorted, disjoint, with a gap between any two. */
export function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const sorted = [...ranges].sort((left, right) => (left.first < right.first ? -1 : 1))
  const merged: AddressRange[] = []
  for (const range of sorted) {
    const previous = merged.at(-1)
    if (previous !== undefined && range.first <= previous.last + 1n) {
      if (range.last > previous.last) merged[merged.length - 1] = { first: previous.first, last: range.last }
    } else {
      merged.push(range)
    }
  }
  return merged
}

/** What is in one of `ranges` and in none of `removed`; both merged. */
export function subtractRanges(
  ranges: readonly AddressRange[],
  removed: readonly AddressRange[],
): AddressRange[] {
  const left: AddressRange[] = []
  for (const range of ranges) {
    let first = range.first
    for (const hole of removed) {
      if (hole.last < first || hole.first > range.last) continue
      if (hole.first > first) left.push({ first, last: hole.first - 1n })
      first = hole.last + 1n
    }
    if (first <= range.last) left.push({ first, last: range.last })
  }
  return left
}

export function rangesOverlap(left: readonly AddressRange[], right: readonly AddressRange[]): boolean {
  return left.some((range) => right.some((other) => range.first <= other.last && other.first <= range.last))
}

/** The fewest CIDRs that hold exactly the addresses of the range, in order. */
export function rangeToCidrs(family: 4 | 6, range: AddressRange): Cidr[] {
  const cidrs: Cidr[] = []
  let first = range.first
  while (first <= range.last) {
    let prefixLength = family === 4 ? 32 : 128
    let cidr = makeCidr(family, first, prefixLength)
    while (prefixLength > 0) {
      const wider = makeCidr(family, first, prefixLength - 1)
      if (wider.first !== first || wider.last > range.last) break
      cidr = wider
      prefixLength--
    }
    cidrs.push(cidr)
    first = cidr.last + 1n
  }
  return cidrs
}
