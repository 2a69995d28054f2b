import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { sleepSync } from './sleep-sync.js'

/** One hierarchy, or with cgroups of version 1 a folder for each. */
const CGROUP_DIR = '/sys/fs/cgroup'
/** A machine that is busy with other things takes seconds to end processes with gigabytes in memory. */
const ROUNDS = 3_000
const ROUND_MS = 10

/** The names of cgroups just below the roots. */
export function cgroupNames(): string[] {
  return hierarchies().flatMap(subgroupsOf)
}

/** Removes a cgroup with what is below it from every hierarchy. Processes that were killed take a moment to leave theirs. */
export function removeCgroups(name: string): void {
  for (const hierarchy of hierarchies()) {
    if (!subgroupsOf(hierarchy).includes(name)) continue
    for (let round = 0; round < ROUNDS && !hasRemoved(join(hierarchy, name)); round++) sleepSync(ROUND_MS)
  }
}

function hasRemoved(dir: string): boolean {
  const isEmpty = subgroupsOf(dir).every((name) => hasRemoved(join(dir, name)))
  if (!isEmpty) return false
  try {
    rmdirSync(dir)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

function hierarchies(): string[] {
  return [CGROUP_DIR, ...subgroupsOf(CGROUP_DIR).map((name) => join(CGROUP_DIR, name))]
}

function subgroupsOf(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}
