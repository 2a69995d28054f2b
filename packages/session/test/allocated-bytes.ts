import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * Bytes of JavaScript heap that `work` takes, what was collected meanwhile included. Memory outside of the heap, where
 * Buffers have their bytes, is not counted.
 */
export async function allocatedBytes(work: () => Promise<void>): Promise<number> {
  collectGarbage()
  const profiler = new GCProfiler()
  profiler.start()
  const before = getHeapStatistics().used_heap_size
  await work()
  const grown = getHeapStatistics().used_heap_size - before
  return profiler
    .stop()
    .statistics.reduce((bytes, { beforeGC, afterGC }) => bytes + freedBetween(beforeGC, afterGC), grown)
}

interface HeapLook {
  readonly heapStatistics: { readonly usedHeapSize: number }
}

function freedBetween(before: HeapLook, after: HeapLook): number {
  return before.heapStatistics.usedHeapSize - after.heapStatistics.usedHeapSize
}
