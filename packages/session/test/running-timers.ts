import { createHook } from 'node:async_hooks'

/**
 * Counts timers that were started since, and neither fired nor were cleared. Those that hold no process count
 * as well.
 */
export function countTimers() {
  const running = new Set<number>()
  const hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') running.add(id)
    },
    destroy: (id) => running.delete(id),
  }).enable()
  return {
    /** As of the next turn of the event loop: Node tells late of those that are gone. */
    async read(): Promise<number> {
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
      return running.size
    },
    [Symbol.dispose]: () => hook.disable(),
  }
}
