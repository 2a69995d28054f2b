import { makeCidr, parseAddressNormalized, parseCidr, TunnelError } from '@reversed-vpn/protocol'

/** An end of the tunnel in one transfer network. */
export interface TransferAddress {
  readonly family: 4 | 6
  /** `192.168.123.1` */
  readonly address: string
  /** `192.168.123.0/24` */
  readonly network: string
  /** `192.168.123.1/24`, as it is announced and given to the interface. */
  readonly cidr: string
}

const HOST_BITS = { 4: 32, 6: 128 } as const

/** The seed side's address in a transfer network, its first, or the shoot side's, its second. */
export function transferAddressOf(network: string, side: 'seed' | 'shoot'): TransferAddress {
  const { family, first, prefixLength, text } = parseCidr(network)
  if (HOST_BITS[family] - prefixLength < 2) {
    const limit = HOST_BITS[family] - 2
    throw new TunnelError(
      'ERR_CIDR_INVALID',
      `transfer network ${text} has no room for two hosts, expected /${limit} or shorter`,
    )
  }
  const host = makeCidr(family, first + (side === 'seed' ? 1n : 2n), HOST_BITS[family])
  const address = host.text.slice(0, host.text.indexOf('/'))
  return { family, address, network: text, cidr: `${address}/${prefixLength}` }
}

/**
 * Reads an address with prefix length, as WELCOME announces it.
 * @throws TunnelError ERR_CIDR_INVALID
 */
export function parseTransferAddress(cidr: string): TransferAddress {
  const slash = cidr.indexOf('/')
  const address = cidr.slice(0, slash)
  const parsed = parseAddressNormalized(address)
  const prefixLength = Number(cidr.slice(slash + 1))
  if (parsed === undefined || slash < 0 || !(prefixLength >= 1 && prefixLength <= HOST_BITS[parsed.family])) {
    throw new TunnelError(
      'ERR_CIDR_INVALID',
      `transfer address ${JSON.stringify(cidr)}, expected ADDRESS/LENGTH`,
    )
  }
  const network = makeCidr(parsed.family, parsed.value, prefixLength).text
  return { family: parsed.family, address, network, cidr }
}
