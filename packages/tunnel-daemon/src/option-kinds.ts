import { isIP } from 'node:net'
import { custom } from '@reversed-vpn/daemon'
import { parseCidr, parseNetworkCidr, transferAddressOf } from '@reversed-vpn/ip'

/** A network behind the tunnel; the value is canonical. */
export const network = custom({
  placeholder: 'CIDR',
  expected: 'ADDRESS/LENGTH without host bits, such as 10.0.0.0/16 or fd00::/64',
  parse: (text) => parseNetworkCidr(text).text,
})

/** The network between the two ends of the tunnel; the value is canonical. */
export const transferNetwork = custom({
  placeholder: 'CIDR',
  expected: 'ADDRESS/LENGTH with room for two hosts and not wider than /16 or /48, such as 192.168.123.0/24',
  parse: (text) => transferAddressOf(text, 'seed').network,
})

/** Linux allows 15 bytes; names that a shell or nft would need to quote are refused. */
const INTERFACE_NAME = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/

/** The name of a network interface. */
export const interfaceName = custom({
  placeholder: 'NAME',
  expected: 'an interface name of at most 15 characters',
  parse: (text) => (INTERFACE_NAME.test(text) ? text : undefined),
})

/** Where routed packets may come from: a canonical CIDR, of any length, or the name of an interface. */
export const routedSource = custom({
  placeholder: 'CIDR|INTERFACE',
  expected: 'ADDRESS/LENGTH without host bits, or an interface name of at most 15 characters',
  parse: (text) => {
    if (text.includes('/')) return parseCidr(text).text
    // It would pass for a name, which no interface has.
    if (isIP(text) !== 0) throw new Error('an address needs its length')
    return interfaceName.parse(text)
  },
})
