import type { Resources } from '@reversed-vpn/daemon'
import { Room } from '@reversed-vpn/relay/room'

const ROOM = new Room({
  // A gateway that relays nothing, while strangers flood it.
  processBytes: 112 * 2 ** 20,
  // 22 KiB when it is quiet, 61 where nobody reads.
  connectionBytes: 64 * 2 ** 10,
  // V8 has some of it a second time.
  bytesOfExtraByte: 2,
  maxConnections: 8000,
  // Two lanes of each of 2,000 shoots.
  podConnections: 4000,
})

/** How much memory all connections may take. */
export function memoryForConnections({ memoryBytes }: Pick<Resources, 'memoryBytes'>): number {
  return ROOM.memory(memoryBytes)
}

/** How many connections there is room for. @param memoryMax bytes, for all of them */
export function roomForConnections(
  { descriptors }: Pick<Resources, 'descriptors'>,
  memoryMax: number,
): number {
  return ROOM.connections(descriptors - descriptors / 16, memoryMax)
}

/** How many bytes connections of bulk may hold beyond what each may always. @param memoryMax bytes, for all of them */
export function roomForBulk(memoryMax: number): number {
  return ROOM.bulk(memoryMax)
}

/** What a pod of the gateway gets, in bytes. */
export function podMemoryBytes(): number {
  return ROOM.pod()
}
