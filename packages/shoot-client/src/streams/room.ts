import type { Resources } from '@reversed-vpn/daemon'
import { Room } from '@reversed-vpn/relay/room'

const ROOM = new Room({
  // A daemon with a busy tunnel and no streams.
  processBytes: 128 * 2 ** 20,
  // One that stands still: what it was sent, up to the least window, and what its target has sent.
  connectionBytes: 64 * 2 ** 10,
  // Kept until the seed side has acknowledged it, and V8 collects late.
  bytesOfExtraByte: 3,
  maxConnections: 5000,
  podConnections: 2000,
})

interface StreamRoom {
  readonly maxStreams: number
  /** That all of them may have been promised to be sent, in bytes. */
  readonly windowBytes: number
  /** That all of them may hold of what targets have sent, beyond a small chunk each. */
  readonly bulkBytes: number
}

/** How many streams this process has room for. A quarter of the descriptors is left for everything else. */
export function roomForStreams({ descriptors, memoryBytes }: Resources): StreamRoom {
  const memory = ROOM.memory(memoryBytes)
  const bulkBytes = ROOM.bulk(memory)
  // A stream has one descriptor here, the other end is a lane.
  return { maxStreams: ROOM.connections(descriptors * 1.5, memory), windowBytes: 2 * bulkBytes, bulkBytes }
}
