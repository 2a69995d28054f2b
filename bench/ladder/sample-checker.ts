import { CidrSet, FORBIDDEN_DESTINATIONS } from '@reversed-vpn/ip'
import { PacketChecker } from '@reversed-vpn/protocol'
import { SAMPLE_MTU, SAMPLE_SOURCE } from './sample-packets.js'

/** The rules for traffic to a shoot with three networks of each family. */
export function sampleChecker(): PacketChecker {
  return new PacketChecker({
    sources: CidrSet.of([`${SAMPLE_SOURCE}/32`, 'fd8f:6d53:b97a:1::1/128']),
    destinations: CidrSet.of([
      ...['100.96.0.0/11', '100.64.0.0/13', '10.250.0.0/16'],
      ...['fd00:10:96::/48', 'fd00:10:64::/112', 'fd00:10:250::/64'],
    ]),
    refused: CidrSet.of([...FORBIDDEN_DESTINATIONS, '192.168.123.0/24']),
    accepts: ['checksum', 'tso4', 'tso6'],
    mtu: SAMPLE_MTU,
  })
}
