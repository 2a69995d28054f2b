import { toolsPod } from './tools-pod.js'

export const PRINTER = 'printer'

/** A pod that prints `line N` twice a second. */
export function printerPod(): object {
  const loop = 'n=1; while :; do echo line $n; n=$((n+1)); sleep 0.5; done'
  return toolsPod(PRINTER, { command: ['sh', '-c', loop] })
}
