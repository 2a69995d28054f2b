import type { Resources } from '@reversed-vpn/daemon'

const MIB = 2 ** 20
/** What a gateway takes that relays nothing, while strangers flood it. */
const PROCESS_BYTES = 112 * MIB
/** Of a connection, both sides, while it holds what it always may: 22 KiB when it is quiet, 61 where nobody reads. */
const CONNECTION_BYTES = 64 * 2 ** 10
/** The part of the memory that is for what connections of bulk hold beyond that. V8 has some of it a second time. */
const EXTRA_PART = 1 / 8
const BYTES_OF_EXTRA_BYTE = 2
/** One to the client, one to the backend. */
const CONNECTION_DESCRIPTORS = 2
const MAX_CONNECTIONS = 8000
/** How many connections a pod has memory for: two lanes of each of 2,000 shoots. */
const POD_CONNECTIONS = 4000
const POD_STEP_BYTES = 64 * MIB

/** How much memory all connections may take. */
export function memoryForConnections({ memoryBytes }: Pick<Resources, 'memoryBytes'>): number {
  const enough = memoryOf(MAX_CONNECTIONS)
  if (memoryBytes === 0) return enough
  return Math.floor(Math.min(enough, Math.max(memoryBytes / 4, memoryBytes - PROCESS_BYTES)))
}

/** How many connections there is room for. @param memoryMax bytes, for all of them */
export function roomForConnections(
  { descriptors }: Pick<Resources, 'descriptors'>,
  memoryMax: number,
): number {
  const byDescriptors = (descriptors - descriptors / 16) / CONNECTION_DESCRIPTORS
  const byMemory = (memoryMax * (1 - EXTRA_PART)) / CONNECTION_BYTES
  return Math.max(1, Math.floor(Math.min(MAX_CONNECTIONS, byDescriptors, byMemory)))
}

/** How many bytes connections of bulk may hold beyond what each may always. @param memoryMax bytes, for all of them */
export function roomForBulk(memoryMax: number): number {
  return Math.floor((memoryMax * EXTRA_PART) / BYTES_OF_EXTRA_BYTE)
}

/** What a pod of the gateway gets, in bytes. */
export function podMemoryBytes(): number {
  return Math.ceil((PROCESS_BYTES + memoryOf(POD_CONNECTIONS)) / POD_STEP_BYTES) * POD_STEP_BYTES
}

function memoryOf(connections: number): number {
  return Math.ceil((connections * CONNECTION_BYTES) / (1 - EXTRA_PART))
}
