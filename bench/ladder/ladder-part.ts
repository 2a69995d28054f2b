import type { Part } from '../src/report/part.js'
import { figure, table } from '../src/report/table.js'
import type { LadderResults, StepResult } from './run-ladder.js'

/** What each layer costs alone. */
export function ladderPart({ environment, steps }: LadderResults): Part {
  const text = `## Layers alone

- commit ${environment.commit}${environment.isDirty ? ', with changes that are in no commit' : ''}; ${environment.startedAt}
- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}
- all in one process, both ends of a connection included; a TUN in a process and a namespace of its own: the kernel drops what is written, or sends it out of the same device again

${table(['', 'a second (least–most)', 'µs each', 'Gbit/s'], steps.map(rowOf))}`
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
