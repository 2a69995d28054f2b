import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CGROUPS = '/sys/fs/cgroup'

/** The files of a memory cgroup, by what they hold, and how a host of the lab, whose `/sys` is its own, comes to see them. */
const FILES = {
  /** Memory has a hierarchy of its own. */
  1: {
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
    mount: `mount -t tmpfs none ${CGROUPS} && mkdir ${CGROUPS}/memory && mount -t cgroup -o memory none ${CGROUPS}/memory`,
  },
  2: {
    limit: 'memory.max',
    peak: 'memory.peak',
    events: 'memory.events',
    mount: `mount -t cgroup2 none ${CGROUPS}`,
  },
} as const

/** A cgroup with a limit of memory, as the container of a pod has one. Its directory is the lab's, and removed with it. */
export class PodMemory {
  readonly #dir: string
  readonly #files: (typeof FILES)[1 | 2]

  /** @param labId whose it is @param limitBytes what everything in it may use */
  constructor(labId: string, name: string, limitBytes: number) {
    const version = existsSync(join(CGROUPS, 'cgroup.controllers')) ? 2 : 1
    const root = version === 2 ? CGROUPS : join(CGROUPS, 'memory')
    const parent = join(root, labId)
    mkdirSync(parent, { recursive: true })
    if (version === 2)
      for (const dir of [root, parent]) writeFileSync(join(dir, 'cgroup.subtree_control'), '+memory')
    this.#dir = join(parent, name)
    this.#files = FILES[version]
    mkdirSync(this.#dir)
    writeFileSync(join(this.#dir, this.#files.limit), String(limitBytes))
    if (version === 2) writeFileSync(join(this.#dir, 'memory.swap.max'), '0')
  }

  /** The same command of a host, which is in here from its start. */
  within(command: readonly string[]): string[] {
    const enter = `${this.#files.mount} && echo $$ > "$0" && exec "$@"`
    return ['sh', '-c', enter, join(this.#dir, 'cgroup.procs'), ...command]
  }

  /** The most memory that was in use in here, what the kernel keeps of files included. */
  get peakBytes(): number {
    return Number(this.#read(this.#files.peak))
  }

  /** How many processes were killed because the memory was full. */
  get kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(this.#files.events))?.[1])
  }

  #read(file: string): string {
    return readFileSync(join(this.#dir, file), 'utf8')
  }
}
