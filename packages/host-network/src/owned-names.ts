// What we add to a machine is found again after a crash by these marks alone: the routing protocol number, one number
// made from the TUN's name, and the nftables table called after it. Tunnels of other names do not touch each other.

/** Stands as `proto` on every route and `protocol` on every rule of ours; in no list of `/etc/iproute2/rt_protos`. */
export const ROUTE_PROTOCOL = 119

/** After the local table (0) and before main (32766). */
export const RULE_PREFERENCE = 11_940

/** Of routes into the TUN; the same destination in the blackhole metric is much worse. */
export const TUN_ROUTE_METRIC = 10

/** Above 255 (the reserved tables), below 2^31, and worse than any metric others use for what we route. */
const OWNED_NUMBER_BASE = 0x5200_0000

/** The number of the TUN's own routing table, and the metric of its blackhole routes. */
export function ownedNumber(tun: string): number {
  let hash = 0x811c_9dc5 // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
  for (const byte of Buffer.from(tun)) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return OWNED_NUMBER_BASE + (hash & 0xff_ffff)
}

/** Name of the nftables table, of family inet. `-`, which nft takes in no name, becomes `/2d`: no TUN's name holds a `/`. */
export function nftTableName(tun: string): string {
  return `reversed_vpn_${tun.replaceAll('-', '/2d')}`
}
