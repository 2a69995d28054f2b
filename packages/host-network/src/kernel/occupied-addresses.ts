import { readFile } from 'node:fs/promises'
import { networkAround } from '@reversed-vpn/ip'
import { readIpJson } from './run-tool.js'
import { kernelFamilies } from './sysctls.js'

/** An address with what makes it matter, for messages. */
export interface OccupiedAddress {
  /** Without a zone. */
  readonly address: string
  /** Such as `address of eth0`. */
  readonly what: string
}

interface LocalAddress {
  readonly interface: string
  readonly address: string
  readonly prefixLength: number
}

interface Gateway {
  readonly interface: string
  readonly address: string
}

interface IpAddressJson {
  readonly ifname: string
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

interface IpRouteJson {
  readonly dev?: string
  readonly gateway?: string
  readonly via?: { readonly host?: string }
  readonly nexthops?: readonly IpRouteJson[]
}

/** Every address of this network namespace. @throws NetworkError as `runTool` */
async function listLocalAddresses(): Promise<LocalAddress[]> {
  const links = await readIpJson<IpAddressJson>(['address', 'show'])
  return links.flatMap(({ ifname, addr_info: addresses = [] }) =>
    addresses.flatMap(({ local, prefixlen }) =>
      local === undefined || prefixlen === undefined
        ? []
        : [{ interface: ifname, address: local, prefixLength: prefixlen }],
    ),
  )
}

/** The default gateways of the main table. @throws NetworkError as `runTool` */
async function listDefaultGateways(): Promise<Gateway[]> {
  const perFamily = await Promise.all(
    kernelFamilies().map((family) => readIpJson<IpRouteJson>([`-${family}`, 'route', 'show', 'default'])),
  )
  const hops = perFamily.flat().flatMap((route) => [route, ...(route.nexthops ?? [])])
  return hops.flatMap(({ dev, gateway, via }) => {
    const address = gateway ?? via?.host
    return address === undefined ? [] : [{ interface: dev ?? 'several interfaces', address }]
  })
}

/** The name servers of resolv.conf, without zones; none when there is no such file. */
async function listNameServers(): Promise<string[]> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9A-Fa-f:.]+)/gm)].flatMap((match) => match[1] ?? [])
}

/** A network that an interface is in. */
export interface ConnectedNetwork {
  readonly cidr: string
  readonly interface: string
}

/** The networks of this machine's interfaces but `tun`. @throws NetworkError as `runTool` */
export async function listConnectedNetworks(tun: string): Promise<ConnectedNetwork[]> {
  return (await listLocalAddresses())
    .filter((local) => local.interface !== tun)
    .map(({ interface: device, address, prefixLength }) => ({
      cidr: networkAround(`${address}/${prefixLength}`).text,
      interface: device,
    }))
}

/** What no network may cover on this machine: its addresses but those of `tun`, its gateways, its name servers. */
export async function listOccupiedAddresses(tun: string): Promise<OccupiedAddress[]> {
  const [addresses, gateways, nameServers] = await Promise.all([
    listLocalAddresses(),
    listDefaultGateways(),
    listNameServers(),
  ])
  const elsewhere = <T extends { readonly interface: string }>(item: T) => item.interface !== tun
  return [
    ...addresses
      .filter(elsewhere)
      .map(({ interface: device, address }) => ({ address, what: `address of ${device}` })),
    ...gateways
      .filter(elsewhere)
      .map(({ interface: device, address }) => ({ address, what: `default gateway on ${device}` })),
    ...nameServers.map((address) => ({ address, what: 'name server in /etc/resolv.conf' })),
  ]
}
