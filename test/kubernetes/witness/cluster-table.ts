import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answers } from './questions.js'
import type { Testimony } from './witness.js'

const FILE = join(fileURLToPath(new URL('../../../results/', import.meta.url)), 'kubernetes.md')

export interface Row extends Testimony {
  readonly what: string
}

/** What was asked of kube-apiserver again and again while something happened. */
export interface AskedRow extends Answers {
  readonly what: string
}

/** Writes what happened as tables to `test/results/kubernetes.md`. */
export async function writeClusterTable(rows: readonly Row[], asked: readonly AskedRow[]): Promise<void> {
  const lines = rows.map(({ what, exec, logs, backAfterMs, failed }) => {
    const cells = [what, exec, logs, (backAfterMs / 1000).toFixed(1), String(failed)]
    return tableLine(cells)
  })
  const askedLines = asked.map(({ what, asked, failed, slowestMs, firstFailure }) =>
    tableLine([what, String(asked), String(failed), (slowestMs / 1000).toFixed(1), firstFailure]),
  )
  await writeFile(FILE, `${HEAD}${lines.join('\n')}\n${ASKED_HEAD}${askedLines.join('\n')}\n`)
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const HEAD = `# What happens to a cluster

A real kube-apiserver in a seed and a real kubelet in its shoot, joined by what \`reversed-vpn render\` writes. While each thing happened, an exec
that prints twice a second and a \`logs -f\` were open, and a new \`kubectl exec\` was tried again and again. Seconds count from the moment the thing was
begun until such a kubectl worked and went on working, the time that kubectl itself takes included; 0 where none failed.

| what | exec | logs -f | kubectl works again after s | kubectl failed |
| --- | --- | --- | ---: | ---: |
`

const ASKED_HEAD = `
## Ten requests a second

kube-apiserver was asked every 100 ms for something that it needs the tunnel for, unless ten answers were still to come. A ConfigMap is judged by a validating
and a mutating webhook in the shoot, each with failurePolicy Fail. Seconds are those of the slowest answer.

| what | requests | failed | slowest s | the first failure |
| --- | ---: | ---: | ---: | --- |
`
