import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { figure, table } from '../src/report/table.js'
import type { LadderResults, StepResult } from './run-ladder.js'

/** Writes `ladder.json` and `ladder.md` into a directory, which is made. @returns the page */
export async function writeLadderReport(results: LadderResults, dir: string): Promise<string> {
  const page = renderPage(results)
  await mkdir(dir, { recursive: true })
  await Promise.all([
    writeFile(join(dir, 'ladder.json'), `${JSON.stringify(results, undefined, 2)}\n`),
    writeFile(join(dir, 'ladder.md'), page),
  ])
  return page
}

function renderPage({ environment, steps }: LadderResults): string {
  return `# Layers alone

- commit ${environment.commit}${environment.isDirty ? ', with changes that are in no commit' : ''}; ${environment.startedAt}
- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}
- all in one process, both ends of a connection included

${table(['', 'a second (least–most)', 'µs each', 'Gbit/s'], steps.map(rowOf))}
`
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
