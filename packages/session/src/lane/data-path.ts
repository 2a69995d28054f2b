import { FlowSteering } from './flow-steering.js'
import { FlowTable } from './flow-table.js'
import type { LaneCounters } from './lane-counters.js'
import type { LaneOptions } from './lane-options.js'
import { LaneReceiver } from './lane-receiver.js'
import { LaneSender, type LaneSenderOptions, type WriteObserver } from './lane-sender.js'
import { PacketFramer } from './packet-framer.js'
import { sendingPathOf } from './sending-path.js'
import { StartupWatch } from './startup-watch.js'

/** What packets go through in a lane, and who watches what it sends. */
export interface DataPath {
  readonly steering: FlowSteering
  readonly framer: PacketFramer
  readonly sender: LaneSender
  readonly receiver: LaneReceiver
  readonly writes: WriteObserver
}

export function createDataPath(
  options: LaneOptions,
  counters: LaneCounters,
  events: Pick<LaneSenderOptions, 'onDeviceError' | 'onSent'>,
): DataPath {
  const { index, queue, flows = new FlowTable(), toPeerChecker, fromPeerChecker, congestion } = options
  const { stream } = options.frames
  const steering = new FlowSteering(index, flows)
  const framer = new PacketFramer({ checker: toPeerChecker, counters: counters.toPeer, steering })
  const writes = new StartupWatch(sendingPathOf(stream), congestion)
  return {
    steering,
    framer,
    sender: new LaneSender({ queue, stream, framer, counters: counters.toPeer, writes, ...events }),
    receiver: new LaneReceiver({ queue, checker: fromPeerChecker, counters: counters.fromPeer, steering }),
    writes,
  }
}
