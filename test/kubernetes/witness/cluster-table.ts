import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Testimony } from './witness.js'

const FILE = join(fileURLToPath(new URL('../../../results/', import.meta.url)), 'kubernetes.md')

export interface Row extends Testimony {
  readonly what: string
}

/** Writes what happened as a table to `test/results/kubernetes.md`. */
export async function writeClusterTable(rows: readonly Row[]): Promise<void> {
  const lines = rows.map(({ what, exec, logs, backAfterMs, failed }) => {
    const cells = [what, exec, logs, (backAfterMs / 1000).toFixed(1), String(failed)]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  await writeFile(FILE, `${HEAD}${lines.join('\n')}\n`)
}

const HEAD = `# What happens to a cluster

A real kube-apiserver in a seed and a real kubelet in its shoot, joined by what \`reversed-vpn render\` writes. While each thing happened, an exec
that prints twice a second and a \`logs -f\` were open, and a new \`kubectl exec\` was tried again and again. Seconds count from the moment the thing was
begun until such a kubectl worked and went on working, the time that kubectl itself takes included; 0 where none failed.

| what | exec | logs -f | kubectl works again after s | kubectl failed |
| --- | --- | --- | ---: | ---: |
`
