import { egressBulk } from './egress-bulk.js'
import { egressConnects } from './egress-connects.js'
import { EGRESS_IDLE_STREAMS } from './egress-idle-streams.js'
import { egressManyStreams } from './egress-many-streams.js'
import { PING_PONG } from './ping-pong.js'
import { pingPongUnderLoad } from './ping-pong-under-load.js'
import { rttUnderLoad } from './rtt-under-load.js'
import type { Scenario } from './scenario.js'
import { tcpThroughput } from './tcp-throughput.js'
import { UDP_SMALL } from './udp-small.js'

/** In the order of the run and of the tables. */
export const SCENARIOS: readonly Scenario[] = [
  tcpThroughput(1, 'toShoot'),
  tcpThroughput(1, 'toSeed'),
  tcpThroughput(32, 'toShoot'),
  tcpThroughput(32, 'toSeed'),
  UDP_SMALL,
  PING_PONG,
  rttUnderLoad('toShoot'),
  rttUnderLoad('toSeed'),
  pingPongUnderLoad('toShoot'),
  pingPongUnderLoad('toSeed'),
  egressConnects(1),
  egressConnects(16),
  egressBulk('toShoot', true),
  egressBulk('toShoot', false),
  egressBulk('toSeed', true),
  egressBulk('toSeed', false),
  EGRESS_IDLE_STREAMS,
  egressManyStreams(0),
  egressManyStreams(200),
]
