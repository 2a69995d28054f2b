import type { Test } from 'tap'
import type { Cluster } from '../cluster/cluster.js'
import { PRINTER } from '../cluster/index.js'
import { NUMBERS, WEB } from './scene.js'

/** What a container has written, and what it is writing. */
export async function readLogs(t: Test, cluster: Cluster): Promise<void> {
  const isWhole = (said: string) => said.length >= NUMBERS.length
  const log = await cluster.eventually(['logs', WEB], 60_000, isWhole)
  t.ok(log === NUMBERS, 'a log is what the container has written, byte by byte')
  const { stdout: end } = await cluster.mustKubectl(['logs', WEB, '--tail=2'])
  t.equal(end, NUMBERS.split('\n').slice(-3).join('\n'), 'and its end is its end')

  await using following = await cluster.startKubectl(['logs', '--follow', '--tail=1', PRINTER])
  const first = await following.waitForLine(/^line (\d+)$/, { deadlineMs: 30_000 })
  const expected = [0, 1, 2, 3].map((n) => `line ${Number(first[1]) + n}`)
  await following.waitForLine(new RegExp(`^${expected.at(-1)}$`), { deadlineMs: 30_000 })
  t.strictSame(following.stdout.slice(0, 4), expected, 'logs -f shows each new line once, in order')
}
