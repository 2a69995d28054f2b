import { destroyLab } from './cleanup.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const openLabs = new Set<string>()

/**
 * From now on the lab is removed when this process ends: by a signal, an uncaught exception or `process.exit`. What no
 * handler sees, SIGKILL above all, is left to the sweep of the next lab.
 */
export function watchOver(labId: string): void {
  if (openLabs.size === 0) {
    process.on('exit', destroyAll)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  openLabs.add(labId)
}

/** The lab is gone; with the last one the process gets its signals back. */
export function stopWatching(labId: string): void {
  openLabs.delete(labId)
  if (openLabs.size > 0) return
  process.off('exit', destroyAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function onSignal(signal: NodeJS.Signals): void {
  destroyAll()
  // With our handlers gone the signal does what it would have done without a lab, exit status included.
  process.kill(process.pid, signal)
}

function destroyAll(): void {
  for (const labId of openLabs) {
    destroyLab(labId)
    stopWatching(labId)
  }
}
