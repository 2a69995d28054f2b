import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labIdOf } from './lab-id.js'

const NETNS_DIR = '/run/netns'
/** `ip netns exec` binds what lies in here over `/etc` (ip-netns(8)). */
export const NETNS_ETC_DIR = '/etc/netns'

/** Everything of labs that is on this machine now, by lab. */
export function findLabs(): Set<string> {
  const names = [NETNS_DIR, NETNS_ETC_DIR, tmpdir()].flatMap(entriesOf)
  return new Set(names.map(labIdOf).filter((id) => id !== undefined))
}

/**
 * Removes a lab at once: every process in its namespaces, the namespaces, their `/etc` and its directory. It is
 * synchronous, so that it works on the way out of a process too, and it may be called for a lab that is half made.
 */
export function destroyLab(labId: string): void {
  const namespaces = entriesOf(NETNS_DIR).filter((name) => labIdOf(name) === labId)
  killProcessesIn(namespaces)
  if (namespaces.length > 0) {
    const batch = namespaces.map((name) => `netns del ${name}\n`).join('')
    spawnSync('ip', ['-force', '-batch', '-'], { input: batch, stdio: ['pipe', 'ignore', 'ignore'] })
  }
  for (const dir of [NETNS_ETC_DIR, tmpdir()]) {
    for (const name of entriesOf(dir)) {
      if (labIdOf(name) === labId) rmSync(join(dir, name), { recursive: true, force: true })
    }
  }
}

/** The processes that live in any of the namespaces: what a lab started, and what those started in turn. */
export function processesIn(namespaces: readonly string[]): number[] {
  const inodes = new Set(namespaces.map(inodeOf).filter((inode) => inode !== undefined))
  return entriesOf('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && inodes.has(namespaceInodeOf(pid) ?? -1))
}

function killProcessesIn(namespaces: readonly string[]): void {
  // A process may fork while we look, so look again until there is none.
  for (let round = 0; round < 20; round++) {
    const pids = processesIn(namespaces)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself since we looked.
      }
    }
  }
}

function inodeOf(namespace: string): number | undefined {
  return statSync(join(NETNS_DIR, namespace), { throwIfNoEntry: false })?.ino
}

function namespaceInodeOf(pid: number): number | undefined {
  try {
    return Number(readlinkSync(`/proc/${pid}/ns/net`).slice('net:['.length, -1))
  } catch {
    // Ended, or a zombie, which has no namespace any more.
    return undefined
  }
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
