import { formatAddress, makeCidr, parseAddressNormalized } from '@reversed-vpn/ip'

/** A host has a whole /64 of IPv6 to come from. */
const IPV6_SOURCE_BITS = 64

/** Counts connections by where they come from: by IPv4 address, by /64 of IPv6. */
export class SourceLimits {
  readonly #maxPerSource: number
  readonly #counts = new Map<string, number>()

  constructor(maxPerSource: number) {
    this.#maxPerSource = maxPerSource
  }

  /** How many sources have a connection. */
  get sources(): number {
    return this.#counts.size
  }

  /** Counts one more; undefined when there are too many, else a function that takes it back. */
  take(address: string): (() => void) | undefined {
    const source = sourceOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count >= this.#maxPerSource) return undefined
    this.#counts.set(source, count + 1)
    return () => {
      const left = (this.#counts.get(source) ?? 0) - 1
      if (left > 0) this.#counts.set(source, left)
      else this.#counts.delete(source)
    }
  }
}

function sourceOf(address: string): string {
  const parsed = parseAddressNormalized(address.replace(/%.*$/, ''))
  if (parsed?.family === 6) return makeCidr(6, parsed.value, IPV6_SOURCE_BITS).text
  return parsed === undefined ? address : formatAddress(parsed)
}
