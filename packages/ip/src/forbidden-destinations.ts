/**
 * What no packet and no proxied connection may be sent to, inside an allowed network too: addresses that mean the machine
 * itself, its link or a group of machines, and those where clouds serve credentials. The caller adds the transfer network.
 */
export const FORBIDDEN_DESTINATIONS: readonly string[] = Object.freeze([
  '0.0.0.0/8', // this network (RFC 1122 §3.2.1.3)
  '100.100.100.200/32', // metadata of Alibaba Cloud
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // host agent of Azure
  '169.254.0.0/16', // link-local (RFC 3927), with the metadata of most clouds at 169.254.169.254
  '192.0.0.192/32', // metadata of Oracle Cloud
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and 255.255.255.255
  '::/128', // unspecified
  '::1/128', // loopback
  '::ffff:0:0/96', // IPv4-mapped, which has no place on a wire (RFC 4291 §2.5.5.2)
  'fd00:ec2::254/128', // metadata of AWS
  'fe80::/10', // link-local
  'ff00::/8', // multicast
])
