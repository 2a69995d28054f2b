import type { Resources } from '@reversed-vpn/daemon'
import { Room } from '@reversed-vpn/relay/room'

const ROOM = new Room({
  // A daemon with a busy tunnel and no streams.
  processBytes: 144 * 2 ** 20,
  // With TLS. A quiet one that never had bulk takes 60 KiB; of one that had, TLS keeps its buffers: 1,000 at once took 154 MiB.
  connectionBytes: 160 * 2 ** 10,
  // TLS has it a second time, and V8 collects late.
  bytesOfExtraByte: 3,
  maxConnections: 5000,
  podConnections: 2000,
})
/** Connections that wait for their handshake cost a descriptor and little more, so thousands of callers may come at once. */
const MAX_WAITING = 8192

/** How many connections may wait for their handshake: half of the descriptors are left for the tunnel and for streams. */
export function roomForWaiting({ descriptors }: Pick<Resources, 'descriptors'>): number {
  return Math.min(MAX_WAITING, Math.floor(descriptors / 2))
}

/** How much memory all streams may take beside the tunnel, which callers must not keep out. */
export function memoryForStreams({ memoryBytes }: Pick<Resources, 'memoryBytes'>): number {
  return ROOM.memory(memoryBytes)
}

/** How many connections there is room for. @param streamBytes of memory, for all of them */
export function roomForStreams({ descriptors }: Pick<Resources, 'descriptors'>, streamBytes: number): number {
  return ROOM.connections(descriptors - roomForWaiting({ descriptors }) - descriptors / 16, streamBytes)
}

/** How many bytes streams of bulk may hold beyond what each may always. @param streamBytes of memory, for all of them */
export function roomForBulk(streamBytes: number): number {
  return ROOM.bulk(streamBytes)
}

/** What a pod of the seed-server gets, in bytes: with it there is room for some 2,000 streams. */
export function podMemoryBytes(): number {
  return ROOM.pod()
}
