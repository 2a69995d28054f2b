import { GCProfiler, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const MAX_ROUNDS = 200

/**
 * Bytes of JavaScript heap that `work` takes, what was collected meanwhile included: the least of as many rounds as it
 * takes to come below `enoughBytes`, of {@link MAX_ROUNDS} if none does. What `work` allocates itself, each round
 * allocates. What it takes beside that ends some time: the compiler works on the same heap, and until it has had a
 * processor, the interpreter allocates what compiled code does not.
 */
export function allocatedBytes(enoughBytes: number, work: () => void): number {
  let leastBytes = Number.POSITIVE_INFINITY
  for (let round = 0; round < MAX_ROUNDS && leastBytes >= enoughBytes; round++) {
    collectGarbage()
    const profiler = new GCProfiler()
    profiler.start()
    const before = process.memoryUsage().heapUsed
    work()
    const grown = process.memoryUsage().heapUsed - before
    leastBytes = Math.min(leastBytes, grown + collectedBytes(profiler))
  }
  return leastBytes
}

function collectedBytes(profiler: GCProfiler): number {
  const usedBytes = (look: { heapStatistics: { usedHeapSize: number } }) => look.heapStatistics.usedHeapSize
  return profiler
    .stop()
    .statistics.reduce((bytes, { beforeGC, afterGC }) => bytes + usedBytes(beforeGC) - usedBytes(afterGC), 0)
}
