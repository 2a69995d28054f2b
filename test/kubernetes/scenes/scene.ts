import { type CommandResult, mustRunCommand } from '@reversed-vpn/test/lab'
import type { Cluster } from '../cluster/cluster.js'
import { PRINTER, printerPod, toolsPod } from '../cluster/index.js'

const READY_DEADLINE_MS = 120_000
const STREAM_DEADLINE_MS = 180_000

/** A pod that serves NUMBERS at `/numbers`, has them in its log, and has a shell. */
export const WEB = 'web'
export const WEB_PORT = 8080
const MAX_NUMBER = 200_000
/** What `seq 1 200000` prints: 1.3 MB, each line unlike the others. */
export const NUMBERS = Array.from({ length: MAX_NUMBER }, (_, index) => `${index + 1}\n`).join('')
/** A pod that repeats what it reads on its standard input, and begins anew after `bye`. */
export const PARROT = 'parrot'

/** Starts the pods that a person looks at, and a Service. */
export async function startPods(cluster: Cluster): Promise<void> {
  const serve = `seq 1 ${MAX_NUMBER} | tee /tmp/numbers && exec httpd -f -p ${WEB_PORT} -h /tmp`
  const repeat = 'while read -r line; do echo "you said $line"; [ "$line" != bye ] || exit 0; done'
  await cluster.eventually(['get', 'serviceaccount', 'default'])
  await cluster.apply([
    printerPod(),
    toolsPod(WEB, {
      command: ['sh', '-c', serve],
      readinessProbe: { tcpSocket: { port: WEB_PORT }, periodSeconds: 1 },
    }),
    toolsPod(PARROT, { command: ['sh', '-c', repeat], stdin: true }),
    service(WEB, WEB_PORT),
  ])
  await ready(cluster, [PRINTER, WEB, PARROT])
}

/** Waits until pods of the default namespace are ready. */
export async function ready(cluster: Cluster, names: readonly string[]): Promise<void> {
  const pods = names.map((name) => `pod/${name}`)
  await cluster.mustKubectl(['wait', '--for=condition=Ready', ...pods, '--timeout=110s'], {
    deadlineMs: READY_DEADLINE_MS,
  })
}

/** A Service of a pod with its name, on port 80 unless it is named. */
export function service(name: string, targetPort: number, port = 80): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { selector: { app: name }, ports: [{ port, targetPort, protocol: 'TCP' }] },
  }
}

/**
 * Runs a script of sh in a folder; its "$@" is kubectl with arguments, so that bytes are piped and redirected as in a shell.
 *
 * @throws LabError with its output when it fails
 */
export function inShell(
  cluster: Cluster,
  script: string,
  args: readonly string[],
  cwd: string,
): Promise<CommandResult> {
  const [program, rest] = cluster.command(args)
  const options = { cwd, deadlineMs: STREAM_DEADLINE_MS }
  return mustRunCommand('sh', ['-c', script, 'sh', program, ...rest], options)
}
