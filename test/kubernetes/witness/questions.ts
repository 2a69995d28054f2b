import { fileURLToPath } from 'node:url'
import type { LabProcess } from '@reversed-vpn/test/lab'
import type { Cluster } from '../cluster/cluster.js'

const PROGRAM = fileURLToPath(new URL('./again-and-again.js', import.meta.url))
const FIRST_ANSWER_MS = 120_000
const LAST_ANSWER_MS = 60_000

/** What is asked of kube-apiserver again and again. */
export interface Question {
  /** A file in JSON with one cluster and one user, who has a token. */
  readonly kubeconfig: string
  readonly everyMs: number
  /** An answer that takes longer is a failure. */
  readonly deadlineMs: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
}

/** What came of it. */
export interface Answers {
  readonly asked: number
  readonly failed: number
  readonly slowestMs: number
  /** Why the first of the failed ones did; empty without any. */
  readonly firstFailure: string
}

/** Asks from where a person's kubectl runs while something is done. @throws LabError when nothing is answered before or after it */
export async function askWhile(
  cluster: Cluster,
  question: Omit<Question, 'kubeconfig'>,
  work: () => Promise<unknown>,
): Promise<Answers> {
  const argument = JSON.stringify({ ...question, kubeconfig: cluster.kubeconfig } satisfies Question)
  await using asking = await cluster.start(process.execPath, [PROGRAM, argument])
  await asking.waitForLine(/^ok /, { deadlineMs: FIRST_ANSWER_MS })
  const fromLine = asking.output.length
  await work()
  await asking.waitForLine(/^ok /, { deadlineMs: LAST_ANSWER_MS, fromLine: asking.output.length })
  return summary(asking, fromLine)
}

function summary(asking: LabProcess, fromLine: number): Answers {
  const answers = asking.output.slice(fromLine).map(({ text }) => text)
  const failures = answers.filter((line) => !line.startsWith('ok '))
  const times = answers.map((line) => Number(line.split(' ')[1])).filter(Number.isFinite)
  return {
    asked: answers.length,
    failed: failures.length,
    slowestMs: Math.max(0, ...times),
    firstFailure: failures[0]?.replace(/^failed \d+ /, '').trim() ?? '',
  }
}
