import type { PeerProcess, Role } from './peer-process.js'
import { cpuSecondsOf, machineSeconds } from './proc.js'

interface CpuUse {
  readonly cpuSeconds: Readonly<Partial<Record<Role, number>>>
  readonly idlePeersShare: number
  readonly stolenShare: number
}

/** Starts to measure processor time. @returns a function that ends it and returns what was used */
export function startCpuMeter(
  measured: readonly PeerProcess[],
  others: readonly PeerProcess[],
): () => CpuUse {
  const before = measured.map(({ pid }) => cpuSecondsOf(pid))
  const othersBefore = sum(others)
  const machineBefore = machineSeconds()
  return () => {
    const machine = machineSeconds()
    const totalSeconds = machine.totalSeconds - machineBefore.totalSeconds
    return {
      cpuSeconds: Object.fromEntries(
        measured.map(({ role, pid }, index) => [role, cpuSecondsOf(pid) - (before[index] ?? 0)]),
      ),
      idlePeersShare: (sum(others) - othersBefore) / totalSeconds,
      stolenShare: (machine.stolenSeconds - machineBefore.stolenSeconds) / totalSeconds,
    }
  }
}

function sum(processes: readonly PeerProcess[]): number {
  return processes.reduce((total, { pid }) => total + cpuSecondsOf(pid), 0)
}
