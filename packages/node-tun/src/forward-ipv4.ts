import { loadNativeAddon } from './native-addon.js'

/**
 * Lets an interface forward the IPv4 packets that come in by it, as `net.ipv4.conf.NAME.forwarding=1` does, by netlink
 * (`IFLA_INET_CONF`, linux/if_link.h): CAP_NET_ADMIN is enough, also where `/proc/sys` is read-only. IPv6 has no such message.
 *
 * @throws SyscallError ENODEV, EPERM; TunAddonError
 */
export function forwardIpv4(name: string): void {
  loadNativeAddon().forwardIpv4(name)
}
