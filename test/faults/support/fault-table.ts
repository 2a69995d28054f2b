import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One thing that was broken, once or many times, and what that did to the connections inside. */
interface FaultRow {
  readonly what: string
  readonly times: number
  /** From when the time until traffic flowed again was taken. */
  readonly from: 'the fault' | 'its end'
  /** Until what was said after that moment had come back, in milliseconds: each time. */
  readonly flowingMs: readonly number[]
  readonly lostBytes: number
  /** What is aimed at, in milliseconds. */
  readonly target?: { readonly medianMs?: number; readonly worstMs?: number }
}

const RESULTS = fileURLToPath(new URL('../../../results/', import.meta.url))
const NAME = process.env.REVERSED_VPN_FULL === '1' ? 'faults' : 'faults-quick'

/** Puts a row into `test/results/faults.json` and the table beside it; a row of the same name is replaced. */
export function recordFault(row: FaultRow): void {
  const file = join(RESULTS, `${NAME}.json`)
  const rows = [...readRows(file).filter(({ what }) => what !== row.what), row]
  mkdirSync(dirname(file), { recursive: true })
  writeWhole(file, `${JSON.stringify(rows, undefined, 2)}\n`)
  writeWhole(join(RESULTS, `${NAME}.md`), renderTable(rows))
}

function readRows(file: string): FaultRow[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

function renderTable(rows: readonly FaultRow[]): string {
  const lines = rows.map((row) => {
    const sorted = [...row.flowingMs].sort((one, other) => one - other)
    const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
    const worst = sorted.at(-1) ?? Number.NaN
    const { medianMs, worstMs } = row.target ?? {}
    const isMet =
      median <= (medianMs ?? Number.POSITIVE_INFINITY) && worst <= (worstMs ?? Number.POSITIVE_INFINITY)
    const target = [medianMs && `median ${medianMs}`, worstMs && `worst ${worstMs}`]
      .filter(Boolean)
      .join(', ')
    const verdict = target === '' ? '' : isMet ? 'met' : '**not met**'
    return `| ${row.what} | ${row.times} | ${row.from} | ${median} | ${worst} | ${row.lostBytes} | ${target} | ${verdict} |`
  })
  return `# What was broken

Milliseconds until what was said after the moment named had come back over the same TCP connection inside the tunnel, and the bytes
that such connections lost.

| what | times | from | median | worst | bytes lost | aimed at | |
| --- | ---: | --- | ---: | ---: | ---: | --- | --- |
${lines.join('\n')}
`
}
