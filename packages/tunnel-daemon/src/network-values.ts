import { parseNetworkCidr, transferAddressOf } from '@reversed-vpn/ip'

/** How values that both daemons take are written and read; what an option needs to know, whoever reads options. */
export interface ValueSyntax<Value> {
  readonly placeholder: string
  /** Completes "expected …". */
  readonly expected: string
  /** Returns undefined, or throws an Error that says what is wrong, for text that does not fit. */
  readonly parse: (text: string) => Value | undefined
}

/** A network behind the tunnel; the value is canonical. */
export const NETWORK_SYNTAX: ValueSyntax<string> = {
  placeholder: 'CIDR',
  expected: 'ADDRESS/LENGTH without host bits, such as 10.0.0.0/16 or fd00::/64',
  parse: (text) => parseNetworkCidr(text).text,
}

/** The network between the two ends of the tunnel; the value is canonical. */
export const TRANSFER_NETWORK_SYNTAX: ValueSyntax<string> = {
  placeholder: 'CIDR',
  expected: 'ADDRESS/LENGTH with room for two hosts, such as 192.168.123.0/24',
  parse: (text) => transferAddressOf(text, 'seed').network,
}

/** Linux allows 15 bytes; what a shell or nft would need to quote is not taken. */
const INTERFACE_NAME = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/

/** The name of an interface. */
export const INTERFACE_SYNTAX: ValueSyntax<string> = {
  placeholder: 'NAME',
  expected: 'an interface name of at most 15 characters',
  parse: (text) => (INTERFACE_NAME.test(text) ? text : undefined),
}
