import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cgroupNames, removeCgroups } from './cgroups.js'
import { endEmulation } from './emulation.js'
import { labIdOf, markOf } from './lab-id.js'
import { sleepSync } from './sleep-sync.js'

const NETNS_DIR = '/run/netns'
const ROUNDS = 50
const ROUND_MS = 5
/** `ip netns exec` binds what lies in here over `/etc` (ip-netns(8)). */
export const NETNS_ETC_DIR = '/etc/netns'

/** Everything of labs that is on this machine now, by lab. */
export function findLabs(): Set<string> {
  const names = [...[NETNS_DIR, NETNS_ETC_DIR, tmpdir()].flatMap(entriesOf), ...cgroupNames()]
  return new Set(names.map(labIdOf).filter((id) => id !== undefined))
}

/**
 * Removes a lab at once: every process in its namespaces or with its mark, the namespaces, their `/etc`, its cgroups, its
 * emulation and its directory. It is synchronous, so that it works on the way out of a process too, and it may be called for a lab that is half made.
 */
export function destroyLab(labId: string): void {
  const namespaces = entriesOf(NETNS_DIR).filter((name) => labIdOf(name) === labId)
  killAll(() => [...processesIn(namespaces), ...processesMarked(labId)])
  if (namespaces.length > 0) {
    const batch = namespaces.map((name) => `netns del ${name}\n`).join('')
    spawnSync('ip', ['-force', '-batch', '-'], { input: batch, stdio: ['pipe', 'ignore', 'ignore'] })
  }
  removeCgroups(labId)
  endEmulation(labId)
  for (const dir of [NETNS_ETC_DIR, tmpdir()]) {
    for (const name of entriesOf(dir)) {
      if (labIdOf(name) === labId) rmSync(join(dir, name), { recursive: true, force: true })
    }
  }
}

/** The processes that live in any of the namespaces: what a lab started, and what those started in turn. */
function processesIn(namespaces: readonly string[]): number[] {
  const inodes = new Set(namespaces.map(inodeOf).filter((inode) => inode !== undefined))
  return otherProcesses().filter((pid) => inodes.has(namespaceInodeOf(pid) ?? -1))
}

function processesMarked(labId: string): number[] {
  const marks = Object.entries(markOf(labId)).map(([name, value]) => `${name}=${value}`)
  return otherProcesses().filter((pid) => environmentOf(pid).some((line) => marks.includes(line)))
}

function otherProcesses(): number[] {
  return entriesOf('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    // Ended; a zombie has none either.
    return []
  }
}

function killAll(find: () => number[]): void {
  const killed = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    // A process may fork while we look, so look again until there is none. One that is ending has left its namespaces already.
    const found = find()
    if (found.length === 0 && ![...killed].some(isEnding)) return
    for (const pid of found) {
      killed.add(pid)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself since we looked.
      }
    }
    if (round > 0) sleepSync(ROUND_MS)
  }
}

/** Neither gone nor a zombie: field 3 of `/proc/PID/stat`. */
function isEnding(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3))
  } catch {
    return false
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
