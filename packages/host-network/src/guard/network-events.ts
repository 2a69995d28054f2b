import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import { type NetlinkSocket, openNetlinkSocket } from '@reversed-vpn/node-tun/socket'
import { nftTableName, ROUTE_PROTOCOL } from '../owned-names.js'

// RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE, _IPV6_RULE, _IPV4_NETCONF, _IPV6_NETCONF of
// linux/rtnetlink.h
const ROUTE_GROUPS = [1, 5, 7, 8, 9, 11, 19, 24, 25]

/** NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const NFTABLES_GROUP = 7

/** `struct nlmsghdr` of linux/netlink.h. */
const HEADER_BYTES = 16

// Where `struct ifinfomsg`, `struct ifaddrmsg`, `struct rtmsg` and the first attribute behind `struct netconfmsg` say whose
// they are.
const INTERFACE_OFFSET = HEADER_BYTES + 4
const ROUTE_PROTOCOL_OFFSET = HEADER_BYTES + 5
const NETCONF_INTERFACE_OFFSET = HEADER_BYTES + 8
const SHORTEST_BYTES = NETCONF_INTERFACE_OFFSET + 4

/** What is told of the network that one TUN stands on. */
export interface NetworkEvents {
  /** Forgets what was told of until now: it was our own doing. */
  discard(): void
  close(): void
}

/**
 * Tells at once of changes that may concern the network of that TUN. Hosts with many pods change theirs all the time, so what is
 * surely another's is left out. Of the firewall it hears only with CAP_NET_ADMIN.
 *
 * @param onChange `firewall` when the table of the TUN was changed; `links` when anything else may have been, or was not heard
 */
export function watchNetworkEvents(
  tun: string,
  onChange: (object: 'firewall' | 'links') => void,
): NetworkEvents {
  const table = Buffer.from(`${nftTableName(tun)}\0`)
  const index = interfaceIndex(tun)
  const sockets = [
    open('route', ROUTE_GROUPS, (datagram) => {
      if (datagram === undefined || concernsLinks(datagram, index)) onChange('links')
    }),
    open('netfilter', [NFTABLES_GROUP], (datagram) => {
      if (datagram === undefined) onChange('links')
      else if (datagram.includes(table)) onChange('firewall')
    }),
  ]
  return {
    discard: () => {
      for (const socket of sockets) socket?.discard()
    },
    close: () => {
      for (const socket of sockets) socket?.close()
    },
  }
}

/**
 * Tells of each change of nftables by anybody, one call for many that come at once. Not of iptables-legacy; and of none without
 * CAP_NET_ADMIN.
 */
export function watchRulesetEvents(onChange: () => void): { close(): void } {
  const socket = open('netfilter', [NFTABLES_GROUP], onChange)
  return { close: () => socket?.close() }
}

/** `undefined` without the rights: then it is compared from time to time. */
function open(
  protocol: 'route' | 'netfilter',
  groups: readonly number[],
  onMessages: (datagram: Buffer | undefined) => void,
): NetlinkSocket | undefined {
  try {
    return openNetlinkSocket({ protocol, groups, onMessages })
  } catch {
    return undefined
  }
}

/** @param index of the TUN; where it is not known, every interface counts */
function concernsLinks(datagram: Buffer, index: number | undefined): boolean {
  if (datagram.length < SHORTEST_BYTES) return true
  const isOurs = (offset: number) => index === undefined || readInterface(datagram, offset) === index
  // Of two bytes in the order of this machine, and all types are below 256.
  switch (datagram.readUInt8(4) | datagram.readUInt8(5)) {
    case 16: // RTM_NEWLINK
    case 17: // RTM_DELLINK
    case 20: // RTM_NEWADDR
    case 21: // RTM_DELADDR
      return isOurs(INTERFACE_OFFSET)
    case 24: // RTM_NEWROUTE
    case 25: // RTM_DELROUTE
      return datagram[ROUTE_PROTOCOL_OFFSET] === ROUTE_PROTOCOL
    case 80: // RTM_NEWNETCONF; negative: of all interfaces, or of new ones
      return isOurs(NETCONF_INTERFACE_OFFSET) || readInterface(datagram, NETCONF_INTERFACE_OFFSET) < 0
    default:
      return true
  }
}

function readInterface(datagram: Buffer, offset: number): number {
  return endianness() === 'LE' ? datagram.readInt32LE(offset) : datagram.readInt32BE(offset)
}

function interfaceIndex(name: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'))
  } catch {
    return undefined
  }
}
