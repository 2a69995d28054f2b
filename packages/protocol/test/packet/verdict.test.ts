import { DROP_REASONS, isOffloadReason } from '@reversed-vpn/protocol'
import { test } from 'tap'

// Values of a metric's label and of SPEC.md: a change here is one that others see.
const OF_THE_PACKET = [
  'passed',
  'length',
  'ip-version',
  'ipv4-header',
  'ip-length',
  'source-route',
  'routing-header',
  'extension-headers',
  'headers-too-long',
  'truncated',
  'fragment-tiny',
  'fragment-overlap',
  'icmp-type',
  'icmpv6-type',
  'icmp-quote',
  'icmp-source',
  'source',
  'destination',
  'refused-destination',
  'exceeds-mtu',
  'flow-taken',
]
const OF_THE_OFFLOAD = [
  'offload-flags',
  'offload-fragment',
  'offload-not-accepted',
  'checksum-fields',
  'gso-type',
  'gso-without-checksum',
  'gso-size',
]

test('names every verdict at its number', async (t) => {
  t.same(DROP_REASONS, [...OF_THE_PACKET, ...OF_THE_OFFLOAD])
})

test('lets a sender repair what only its offload speaks against', async (t) => {
  for (const [verdict, reason] of DROP_REASONS.entries()) {
    t.equal(isOffloadReason(verdict), OF_THE_OFFLOAD.includes(reason), reason)
  }
})
