import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CGROUPS = '/sys/fs/cgroup'

/** The files of a memory cgroup, by what they hold. */
const FILES = {
  /** Version 1, in a hierarchy of its own. */
  1: { limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes', events: 'memory.oom_control' },
  2: { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
} as const

/** A cgroup with a limit of memory, as a pod has one. */
export class MemoryCgroup {
  readonly #dir: string
  readonly #files: (typeof FILES)[1 | 2]

  constructor(limitBytes: number) {
    const version = existsSync(join(CGROUPS, 'cgroup.controllers')) ? 2 : 1
    const root = version === 2 ? CGROUPS : join(CGROUPS, 'memory')
    if (version === 2) writeFileSync(join(root, 'cgroup.subtree_control'), '+memory')
    this.#dir = join(root, `rv-egress-proxy-${process.pid}`)
    this.#files = FILES[version]
    mkdirSync(this.#dir)
    writeFileSync(join(this.#dir, this.#files.limit), String(limitBytes))
    if (version === 2) writeFileSync(join(this.#dir, 'memory.swap.max'), '0')
  }

  take(pid: number): void {
    writeFileSync(join(this.#dir, 'cgroup.procs'), String(pid))
  }

  /** The most memory that was in use in here. */
  get peakBytes(): number {
    return Number(this.#read(this.#files.peak))
  }

  /** How many processes were killed because the memory was full. */
  get kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(this.#files.events))?.[1])
  }

  /** When nothing is in it any more. */
  remove(): void {
    rmdirSync(this.#dir)
  }

  #read(file: string): string {
    return readFileSync(join(this.#dir, file), 'utf8')
  }
}
