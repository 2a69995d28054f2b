import type { Resources } from '@reversed-vpn/daemon'

const MIB = 2 ** 20
/** What a daemon with a busy tunnel and no streams takes, generously. */
const TUNNEL_BYTES = 144 * MIB
/**
 * Of a stream with TLS, both sides, while it holds what it always may. A quiet one that never had bulk takes 60 KiB; of one that
 * had, TLS keeps its buffers: 1,000 at once took 154 MiB.
 */
const STREAM_BYTES = 160 * 2 ** 10
/** The part of the memory that is for what streams of bulk hold beyond that. TLS has it a second time, and V8 collects late. */
const EXTRA_PART = 1 / 8
const BYTES_OF_EXTRA_BYTE = 3
/** One to the caller, one to the target. */
const STREAM_DESCRIPTORS = 2
const MAX_STREAMS = 5000
/** How many streams a pod has memory for. */
const POD_STREAMS = 2000
const POD_STEP_BYTES = 64 * MIB
/** Connections that wait for their handshake cost a descriptor and little more, so thousands of callers may come at once. */
const MAX_WAITING = 8192

/** How many connections may wait for their handshake: half of the descriptors are left for the tunnel and for streams. */
export function roomForWaiting({ descriptors }: Pick<Resources, 'descriptors'>): number {
  return Math.min(MAX_WAITING, Math.floor(descriptors / 2))
}

/** How much memory all streams may take beside the tunnel, which callers must not keep out. */
export function memoryForStreams({ memoryBytes }: Pick<Resources, 'memoryBytes'>): number {
  if (memoryBytes === 0) return memoryOf(MAX_STREAMS)
  return Math.floor(Math.min(memoryOf(MAX_STREAMS), Math.max(memoryBytes / 4, memoryBytes - TUNNEL_BYTES)))
}

/** How many connections there is room for. @param streamBytes of memory, for all of them */
export function roomForStreams({ descriptors }: Pick<Resources, 'descriptors'>, streamBytes: number): number {
  const left = descriptors - roomForWaiting({ descriptors }) - descriptors / 16
  const byDescriptors = left / STREAM_DESCRIPTORS
  const byMemory = (streamBytes * (1 - EXTRA_PART)) / STREAM_BYTES
  return Math.max(1, Math.floor(Math.min(MAX_STREAMS, byDescriptors, byMemory)))
}

/** How many bytes streams of bulk may hold beyond what each may always. @param streamBytes of memory, for all of them */
export function roomForBulk(streamBytes: number): number {
  return Math.floor((streamBytes * EXTRA_PART) / BYTES_OF_EXTRA_BYTE)
}

/** What a pod of the seed-server gets, in bytes: with it there is room for some 2,000 streams. */
export function podMemoryBytes(): number {
  return Math.ceil((TUNNEL_BYTES + memoryOf(POD_STREAMS)) / POD_STEP_BYTES) * POD_STEP_BYTES
}

function memoryOf(streams: number): number {
  return Math.ceil((streams * STREAM_BYTES) / (1 - EXTRA_PART))
}
