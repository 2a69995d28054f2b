import { readFileSync } from 'node:fs'

/** What a process may use. */
export interface Resources {
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
