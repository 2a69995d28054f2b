import { availableParallelism } from 'node:os'
import type { ValueSyntax } from '../network-values.js'

const MAX_THREADS = 64

/** How many threads carry lanes, the main one included: `auto` is one for each processor that this process may use. */
export const THREAD_COUNT_SYNTAX: ValueSyntax<number> = {
  placeholder: 'auto|N',
  expected: `auto or an integer of 1–${MAX_THREADS}`,
  parse(text) {
    if (text === 'auto') return Math.min(availableParallelism(), MAX_THREADS)
    const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
    return count >= 1 && count <= MAX_THREADS ? count : undefined
  },
}
