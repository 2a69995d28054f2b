import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Daemon, WaitOptions } from '@reversed-vpn/test/lab'

/** USER_HZ: what proc counts in, whatever the kernel's own timer is. */
const TICKS_PER_SECOND = 100

/** The memory that a daemon has in use now. */
export function residentBytes({ pid }: Pick<Daemon, 'pid'>): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Forgets the most memory that a daemon has had in use. */
export function resetPeakBytes({ pid }: Pick<Daemon, 'pid'>): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most memory that a daemon has had in use since. */
export function peakBytes({ pid }: Pick<Daemon, 'pid'>): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** How long the main thread of a daemon has waited for a processor in all, in seconds (proc_pid_schedstat). */
export function waitedSeconds({ pid }: Pick<Daemon, 'pid'>): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e9
}

/** How long the machine below has kept the processors for others in all, in seconds (proc_stat). 0 where it does not tell. */
export function stolenSeconds(): number {
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').split(/ +/)
  return Number(ticks[7] ?? 0) / TICKS_PER_SECOND
}

/** How many descriptors a daemon has open, those of the last callers of its admin port included: they go a moment later. */
export function descriptorsOf({ pid }: Daemon): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Resolves when a daemon has no more open than that. @throws LabError ERR_LAB_DEADLINE */
export async function untilDescriptors(
  daemon: Daemon,
  most: number,
  options: WaitOptions = {},
): Promise<void> {
  const areClosed = () => (descriptorsOf(daemon) <= most ? true : undefined)
  await daemon.process.waitFor(`${most} descriptors`, areClosed, { everyMs: 50, ...options })
}
