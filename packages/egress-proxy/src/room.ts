import { readFileSync } from 'node:fs'

/** What a daemon with a busy tunnel and no streams takes, generously. */
const TUNNEL_BYTES = 128 * 2 ** 20
/** Of a quiet stream with TLS, both sides: 5,000 took 328 MB. */
const STREAM_BYTES = 64 * 2 ** 10
/** One to the caller, one to the target. */
const STREAM_DESCRIPTORS = 2
const MAX_STREAMS = 5000
/** Connections that wait for their handshake cost a descriptor and little more, so thousands of callers may come at once. */
const MAX_WAITING = 8192

interface Resources {
  readonly descriptors: number
  /** Of the cgroup; 0 where there is no limit. */
  readonly memoryBytes: number
}

/** What this process may use. Node has raised its limit of descriptors as far as it may. */
export function ownResources(): Resources {
  const [, limit = ''] =
    /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
  const descriptors = limit === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(limit)
  return { descriptors, memoryBytes: process.constrainedMemory() ?? 0 }
}

/** How many connections may wait for their handshake: half of the descriptors are left for the tunnel and for streams. */
export function roomForWaiting({ descriptors }: Pick<Resources, 'descriptors'>): number {
  return Math.min(MAX_WAITING, Math.floor(descriptors / 2))
}

/** How many connections there is room for beside the tunnel, which callers must not keep out. */
export function roomForStreams({ descriptors, memoryBytes }: Resources): number {
  const left = descriptors - roomForWaiting({ descriptors }) - descriptors / 16
  const byDescriptors = left / STREAM_DESCRIPTORS
  const byMemory =
    memoryBytes === 0 ? MAX_STREAMS : Math.max(memoryBytes / 4, memoryBytes - TUNNEL_BYTES) / STREAM_BYTES
  return Math.max(1, Math.floor(Math.min(MAX_STREAMS, byDescriptors, byMemory)))
}
