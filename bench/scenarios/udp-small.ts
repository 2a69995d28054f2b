import { runIperf } from '../measure/iperf.js'
import type { Scenario } from './scenario.js'

const PAYLOAD_BYTES = 64
const OFFERED_MEGABITS_PER_SECOND = 80

/** More small packets than a tunnel can forward. The result is how many arrive. */
export const UDP_SMALL: Scenario = {
  name: 'udp-64-to-shoot',
  title: `64-byte UDP, ${OFFERED_MEGABITS_PER_SECOND} Mbit/s offered, caller → pod`,
  load: 'packets',
  metrics: [
    { key: 'megabitsPerSecond', title: 'delivered', unit: 'Mbit/s', isHigherBetter: true },
    { key: 'offeredMegabitsPerSecond', title: 'sent', unit: 'Mbit/s', isHigherBetter: true },
  ],
  async run(stage, seconds) {
    const result = await runIperf(stage.caller, stage.iperf, stage.podAddress, {
      direction: 'toShoot',
      seconds,
      udp: { payloadBytes: PAYLOAD_BYTES, megabitsPerSecond: OFFERED_MEGABITS_PER_SECOND },
    })
    return {
      commands: [result.command],
      values: {
        megabitsPerSecond: result.deliveredBitsPerSecond / 1e6,
        offeredMegabitsPerSecond: result.sentBitsPerSecond / 1e6,
      },
      receivedBytes: result.deliveredBytes,
    }
  },
}
