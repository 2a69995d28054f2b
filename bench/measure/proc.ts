import { readFileSync } from 'node:fs'

/** `USER_HZ`: the unit of times in `/proc`, the same on every architecture Linux runs Node.js on (proc(5)). */
const TICKS_PER_SECOND = 100

/** The memory of a process in bytes. */
export interface ProcessMemory {
  readonly rssBytes: number
  /** The maximum since its start (`VmHWM`, proc_pid_status(5)). */
  readonly peakRssBytes: number
}

/** Processor time of all threads of a process so far, user and kernel, in seconds. Resolution 10 ms. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command's name before the fields may hold spaces and parentheses. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

export function memoryOf(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return { rssBytes: bytesIn(status, 'VmRSS'), peakRssBytes: bytesIn(status, 'VmHWM') }
}

/** The command line of a process, after every `exec`. */
export function commandLineOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
}

/** Seconds of all processors since boot: in total, and given by the hypervisor to other guests (proc_stat(5)). */
export function machineSeconds(): { readonly totalSeconds: number; readonly stolenSeconds: number } {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1)
  // user, nice, system, idle, iowait, irq, softirq, steal; guest times behind them are part of user and nice.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number)
  const totalTicks = ticks.reduce((sum, one) => sum + one, 0)
  return { totalSeconds: totalTicks / TICKS_PER_SECOND, stolenSeconds: (ticks[7] ?? 0) / TICKS_PER_SECOND }
}

function bytesIn(status: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  return Number(kibibytes) * 1024
}
