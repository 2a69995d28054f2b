import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

const PREFIX = 'rvlab'
const MARK = 'REVERSED_VPN_LAB'
const PATTERN = /^(rvlab-(\d+)-(\d+)-[0-9a-f]{6})(?:-|$)/

/**
 * Names a lab after the process that owns it, so that anyone can tell from a name alone whether its owner still lives:
 * `rvlab-PID-START-RANDOM`, START being the owner's start time in clock ticks (process ids come round again).
 */
export function newLabId(): string {
  const startTicks = startTicksOf(process.pid)
  if (startTicks === undefined) throw new Error('/proc/self/stat is not readable')
  return `${PREFIX}-${process.pid}-${startTicks}-${randomBytes(3).toString('hex')}`
}

/** The lab that a namespace or a directory belongs to; undefined for names that are not ours. */
export function labIdOf(name: string): string | undefined {
  return PATTERN.exec(name)?.[1]
}

/** To be in the environment of what a lab starts outside of its namespaces, so that it goes with the lab. */
export function markOf(labId: string): Record<string, string> {
  return { [MARK]: labId }
}

/** Whether the process that owns a lab has not ended. */
export function isOwnerAlive(labId: string): boolean {
  const match = PATTERN.exec(labId)
  return match !== null && startTicksOf(Number(match[2])) === match[3]
}

/** Field 22 of `/proc/PID/stat` (proc_pid_stat(5)); the command's name before it may hold spaces and parentheses. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
