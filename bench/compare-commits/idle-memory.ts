import { setTimeout as sleep } from 'node:timers/promises'
import { memoryOf } from '../measure/proc.js'
import type { Scenario } from '../scenarios/scenario.js'

/** Resident memory of both daemons when they are connected and had no load yet. */
export const IDLE_MEMORY: Scenario = {
  name: 'idle-memory',
  title: 'idle memory',
  load: 'tcp',
  isFresh: true,
  metrics: [
    { key: 'seedMegabytes', title: 'RSS of the seed-server', unit: 'MB', isHigherBetter: false },
    { key: 'shootMegabytes', title: 'RSS of the shoot-client', unit: 'MB', isHigherBetter: false },
    { key: 'bothMegabytes', title: 'RSS of both', unit: 'MB', isHigherBetter: false },
  ],
  async run({ path }, seconds) {
    await sleep(1000 * seconds)
    const megabytesOf = (role: string) =>
      path.processes
        .filter((process) => process.role === role)
        .reduce((sum, { pid }) => sum + memoryOf(pid).rssBytes / 1e6, 0)
    const [seedMegabytes, shootMegabytes] = [megabytesOf('seed'), megabytesOf('shoot')]
    const values = { seedMegabytes, shootMegabytes, bothMegabytes: seedMegabytes + shootMegabytes }
    return { commands: ['VmRSS in /proc/PID/status'], values }
  },
}
