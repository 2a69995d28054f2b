import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * Bytes of JavaScript heap that `work` takes, what was collected meanwhile included: the least of some
 * rounds, since the compiler works on the same heap. Memory outside of the heap, where Buffers have their
 * bytes, is not counted.
 */
export async function allocatedBytes(work: () => Promise<void>): Promise<number> {
  for (let warmUp = 0; warmUp < 5; warmUp++) await work()
  let leastBytes = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    collectGarbage()
    const profiler = new GCProfiler()
    profiler.start()
    const before = getHeapStatistics().used_heap_size
    await work()
    const grown = getHeapStatistics().used_heap_size - before
    const collected = profiler
      .stop()
      .statistics.reduce((bytes, { beforeGC, afterGC }) => bytes + freedBetween(beforeGC, afterGC), 0)
    leastBytes = Math.min(leastBytes, grown + collected)
  }
  return leastBytes
}

interface HeapLook {
  readonly heapStatistics: { readonly usedHeapSize: number }
}

function freedBetween(before: HeapLook, after: HeapLook): number {
  return before.heapStatistics.usedHeapSize - after.heapStatistics.usedHeapSize
}
