import { mustRunCommand, runCommand } from '@reversed-vpn/test/lab'
import type { Test } from 'tap'
import type { Cluster } from '../cluster/cluster.js'
import { inShell, PARROT, WEB } from './scene.js'

/** How kubectl asks for a stream, by what it is told in its environment. */
const PROTOCOLS = { WebSocket: ['true', 'GET'], SPDY: ['false', 'POST'] } as const
const AT_ONCE = 20
const EXEC_DEADLINE_MS = 120_000

/** Says hello until an answer is heard, then bye, with which the process at the other end ends. */
const SAY_UNTIL_HEARD = `mkfifo in; "$@" <in >out & exec 3>in
until grep -q '^you said hello$' out; do echo hello >&3; sleep 0.2; done
echo bye >&3; wait; cat out`

/** Both standard streams and the exit code, over both protocols that kubectl knows. */
export async function runCommands(t: Test, cluster: Cluster): Promise<void> {
  for (const [protocol, [isWebSocket, verb]] of Object.entries(PROTOCOLS)) {
    const script = 'echo to stdout; echo to stderr >&2; exit 7'
    const [program, args] = cluster.command(['exec', '-v=6', WEB, '--', 'sh', '-c', script])
    const environment = `KUBECTL_REMOTE_COMMAND_WEBSOCKETS=${isWebSocket}`
    const result = await runCommand('env', [environment, program, ...args])
    t.match(result, { code: 7, stdout: /^to stdout\n$/ }, `exec over ${protocol}`)
    t.match(result.stderr, /^to stderr$/m)
    t.match(result.stderr, new RegExp(`verb="${verb}" url="[^"]*/pods/${WEB}/exec`))
    t.match(result.stderr, /status="101 Switching Protocols"/)
  }
}

/** A terminal, whose size is that of the person's. */
export async function useTerminal(t: Test, cluster: Cluster): Promise<void> {
  const inPod = 'until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; tty; read -r word; echo "<$word>"'
  const [program, args] = cluster.command(['exec', '-it', WEB, '--', 'sh', '-c', inPod])
  const quoted = [program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  // What is written to the terminal before anybody reads there waits for the reader.
  const { stdout } = await mustRunCommand(
    'script',
    ['--quiet', '--return', '--command', `stty rows 33 cols 101; ${quoted}`, '/dev/null'],
    { input: 'typed\n', deadlineMs: 60_000 },
  )
  t.match(
    stdout,
    /\/dev\/pts\/\d+\r\n/,
    'exec -it has a terminal with the size of the one that it was started in',
  )
  t.match(stdout, /<typed>\r\n/, 'and what is typed arrives')
}

/** The standard streams of a process that runs already. */
export async function attach(t: Test, cluster: Cluster): Promise<void> {
  const { stdout } = await inShell(cluster, SAY_UNTIL_HEARD, ['attach', '-i', PARROT], t.testdir({}))
  t.match(stdout, /^(you said hello\n)+(you said bye\n)?$/)
}

/** As many at once as an impatient person, or a script of theirs, may start. */
export async function runManyAtOnce(t: Test, cluster: Cluster): Promise<void> {
  const numbers = Array.from({ length: AT_ONCE }, (_, n) => n)
  const said = await Promise.all(
    numbers.map(async (n) => {
      const meet = `touch /tmp/met-${n}; until [ $(ls /tmp/met-* | wc -l) = ${AT_ONCE} ]; do sleep 0.1; done`
      const args = ['exec', WEB, '--', 'sh', '-c', `${meet}; echo exec ${n}`]
      return (await cluster.mustKubectl(args, { deadlineMs: EXEC_DEADLINE_MS })).stdout
    }),
  )
  t.strictSame(
    said,
    numbers.map((n) => `exec ${n}\n`),
    `${AT_ONCE} at once have each its own output`,
  )
}
