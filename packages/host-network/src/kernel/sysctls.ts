import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { NetworkError } from '../network-error.js'

/** What works, but less well than it could on this machine; for the log. */
export interface NetworkWarning {
  /** Constant; the fields beside it say which setting and what it is. */
  readonly message: string
  readonly sysctl: string
  readonly value: string
}

/** IPv6 can be left out of a kernel, or switched off when it starts. */
export function kernelFamilies(): (4 | 6)[] {
  return existsSync('/proc/sys/net/ipv6') ? [4, 6] : [4]
}

/**
 * Prepares the TUN. Sources are judged by our rules, more strictly than `rp_filter`, which would also drop ICMP errors of
 * routers that no route leads back to; the larger of the TUN's value and that of `all` counts.
 *
 * @returns what could not be set as it should be
 * @throws NetworkError ERR_IPV6_DISABLED where IPv6 is switched off for the TUN and can't be switched on
 */
export async function prepareTun(tun: string, families: readonly (4 | 6)[]): Promise<NetworkWarning[]> {
  if (families.includes(6)) await enableIpv6(tun)
  if (!families.includes(4)) return []
  const filter = interfaceSysctl(4, tun, 'rp_filter')
  if ((await readValue(filter)) !== '0') await writeFile(filter, '0').catch(() => {})
  const message = 'reverse path filter is on, so ICMP errors from routers on the path may be dropped'
  const warnings = ['all', tun].map(async (device) => {
    const value = await readValue(interfaceSysctl(4, device, 'rp_filter'))
    if (value === '0' || value === undefined) return []
    return [{ message, sysctl: `net.ipv4.conf.${device}.rp_filter`, value }]
  })
  return (await Promise.all(warnings)).flat()
}

/** Containers often start with IPv6 switched off for every new interface, and with /proc/sys that nobody may write. */
async function enableIpv6(tun: string): Promise<void> {
  const path = interfaceSysctl(6, tun, 'disable_ipv6')
  if ((await readValue(path)) !== '1') return
  try {
    await writeFile(path, '0')
  } catch (cause) {
    const sysctl = (device: string) => `net.ipv6.conf.${device}.disable_ipv6`
    const message = `${sysctl(tun)} is 1 and could not be set to 0 (${sysctl('default')} decides for new interfaces)`
    throw new NetworkError('ERR_IPV6_DISABLED', message, { cause })
  }
}

/** Not from a dotted name: an interface's own name may hold dots. */
export function interfaceSysctl(family: 4 | 6, device: string, name: string): string {
  return `/proc/sys/net/ipv${family}/conf/${device}/${name}`
}

/** `undefined` where there is no such sysctl, or no such interface any more. */
export function readValue(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}
