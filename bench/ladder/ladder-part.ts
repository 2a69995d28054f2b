import type { Part } from '../report/part.js'
import { figure, table } from '../report/table.js'
import type { LadderResults, StepResult } from './run-ladder.js'

/** The section about the cost of each layer alone. */
export function ladderPart({ environment, steps }: LadderResults): Part {
  const text = `## Ladder: each layer alone

- commit ${environment.commit}${environment.isDirty ? ', with uncommitted changes' : ''}; ${environment.startedAt}
- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}
- Each step runs in one process, with both ends of a connection. A TUN is in a process and a network namespace of its own; the kernel drops what is written, or sends it back through the same device.

${table(['', 'per second (min–max)', 'µs each', 'Gbit/s'], steps.map(rowOf))}`
  return { text, pictures: [] }
}

function rowOf({ name, operation, bytesPerOperation, operationsPerSecond }: StepResult): string[] {
  const { median, min, max } = operationsPerSecond
  return [
    name,
    `${count(median)} ${operation}s (${count(min)}–${count(max)})`,
    figure(1e6 / median),
    bytesPerOperation === 0 ? '' : figure((median * bytesPerOperation * 8) / 1e9),
  ]
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
