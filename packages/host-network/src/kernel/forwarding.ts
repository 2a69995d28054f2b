import { readdir, writeFile } from 'node:fs/promises'
import { forwardIpv4 } from '@reversed-vpn/node-tun'
import { NetworkError } from '../network-error.js'
import { findRouteInterfaces } from './route-interfaces.js'
import { readIpJson } from './run-tool.js'
import { interfaceSysctl, readValue } from './sysctls.js'

/** What one family forwards: between the TUN and what is there, in both directions. */
export interface Forwarding {
  readonly family: 4 | 6
  readonly tun: string
  /** Canonical CIDRs; the interfaces are those that routes to them name. */
  readonly networks: readonly string[]
  /** Further interfaces. */
  readonly interfaces: readonly string[]
}

/**
 * Where a packet comes in decides whether it may go on (kernel, net/ipv4/route.c), so that the TUN needs it, and so does each
 * interface that answers come by. IPv6 asks the whole machine first, and since Linux 6.17 the interface (net/ipv6/ip6_output.c).
 */
const BY_INTERFACE = { 4: 'forwarding', 6: 'force_forwarding' } as const
const BY_MACHINE = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' } as const

const WHO_SWITCHES_OFF =
  'Calico switches it off in every pod unless its CNI configuration sets allow_ip_forwarding to true'

/** Sysctls that keep packets from being forwarded, each off and expected to be 1. @throws NetworkError as `runTool` */
export async function findForwardingOff(wanted: readonly Forwarding[]): Promise<string[]> {
  const perFamily = wanted.map(async (forwarding) => {
    const { family } = forwarding
    const off = await findInterfacesOff(forwarding)
    if (family === 6) return off.length === 0 ? [] : [BY_MACHINE[6]]
    return off.map((device) => `net.ipv4.conf.${device}.${BY_INTERFACE[4]}`)
  })
  return (await Promise.all(perFamily)).flat()
}

/**
 * Turns forwarding on where it is off; where it is on, nothing is written. It stays on afterwards. The machine's own sysctl comes
 * first, since it also counts for interfaces that are made later; where it may not be written, IPv4 is switched on by interface.
 *
 * @throws NetworkError ERR_FORWARDING_DISABLED that names the sysctl which is off and can't be set
 */
export async function enableForwarding(wanted: readonly Forwarding[]): Promise<void> {
  for (const forwarding of wanted) {
    const { family } = forwarding
    if ((await findInterfacesOff(forwarding)).length === 0) continue
    if (family === 6) await keepRouterAdvertisements()
    const path = `/proc/sys/${BY_MACHINE[family].replaceAll('.', '/')}`
    const refusal = await writeFile(path, '1').catch((error: unknown) => error)
    for (const device of await findInterfacesOff(forwarding)) switchOn(family, device, refusal)
  }
}

/** @param refusal why the sysctl of the whole machine was not written */
function switchOn(family: 4 | 6, device: string, refusal: unknown): void {
  const refused = (sysctl: string, cause: unknown, also = '') => {
    const { code = 'unknown' } = (cause ?? {}) as NodeJS.ErrnoException
    const message = `${sysctl} is off and could not be set to 1 (${code})${also}; ${WHO_SWITCHES_OFF}`
    return new NetworkError('ERR_FORWARDING_DISABLED', message, { cause })
  }
  if (family === 6)
    throw refused(BY_MACHINE[6], refusal, ', expected to be a sysctl of the pod or the machine')
  try {
    forwardIpv4(device)
  } catch (cause) {
    throw refused(`net.ipv4.conf.${device}.${BY_INTERFACE[4]}`, cause)
  }
}

/** Routes are listed only when some interface does not forward: a node may have very many. */
async function findInterfacesOff({ family, tun, networks, interfaces }: Forwarding): Promise<string[]> {
  if (family === 6 && (await readValue(interfaceSysctl(6, 'all', 'forwarding'))) === '1') return []
  const devices = await readdir(`/proc/sys/net/ipv${family}/conf`).catch(() => [])
  const values = await Promise.all(
    devices.map((device) => readValue(interfaceSysctl(family, device, BY_INTERFACE[family]))),
  )
  const off = devices.filter((device, index) => device !== 'lo' && values[index] !== '1')
  if (off.length === 0) return []
  const needed = [tun, ...interfaces, ...(await findRouteInterfaces(family, networks))]
  return off.filter((device) => needed.includes(device))
}

/**
 * A kernel that starts forwarding IPv6 forgets the default routes it learned from router advertisements and takes no more,
 * except where `accept_ra` is 2.
 */
async function keepRouterAdvertisements(): Promise<void> {
  const routes = await readIpJson<{ dev?: string }>(['-6', 'route', 'show', 'default', 'proto', 'ra'])
  for (const device of new Set(routes.flatMap(({ dev }) => dev ?? []))) {
    const path = interfaceSysctl(6, device, 'accept_ra')
    if ((await readValue(path)) === '1') await writeFile(path, '2').catch(() => {})
  }
}
