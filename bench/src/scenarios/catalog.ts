import { PING_PONG } from './ping-pong.js'
import { rttUnderLoad } from './rtt-under-load.js'
import type { Scenario } from './scenario.js'
import { tcpThroughput } from './tcp-throughput.js'
import { UDP_SMALL } from './udp-small.js'

/** In the order in which they are run and shown. */
export const SCENARIOS: readonly Scenario[] = [
  tcpThroughput(1, 'toShoot'),
  tcpThroughput(1, 'toSeed'),
  tcpThroughput(32, 'toShoot'),
  tcpThroughput(32, 'toSeed'),
  UDP_SMALL,
  PING_PONG,
  rttUnderLoad('toShoot'),
  rttUnderLoad('toSeed'),
]
