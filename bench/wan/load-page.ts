import type { Host } from '@reversed-vpn/test/lab'
import { BenchError } from '../measure/bench-error.js'

export const PAGE_REQUESTS = 20

interface PageResult {
  readonly command: string
  /** From the first request to the last answer. */
  readonly milliseconds: number
}

/**
 * The load of a browser or a controller: many small requests at once, each over a new connection.
 * @throws BenchError ERR_BENCH_MEASUREMENT when an answer is missing
 */
export async function loadPage(client: Host, address: string): Promise<PageResult> {
  const args = [
    ...['-sS', '--parallel', '--parallel-immediate', '--parallel-max', String(PAGE_REQUESTS)],
    ...['--header', 'Connection: close', '--max-time', '20', '--output', '/dev/null'],
    ...['--write-out', '%{http_code} %{time_total}\n', `http://${address}/?[1-${PAGE_REQUESTS}]`],
  ]
  const { stdout, stderr } = await client.run('curl', args, { deadlineMs: 60_000 })
  const seconds = [...stdout.matchAll(/^200 ([\d.]+)$/gm)].map(([, time]) => Number(time))
  const command = `curl ${args.join(' ').replace('\n', '\\n')}`
  if (seconds.length === PAGE_REQUESTS) return { command, milliseconds: 1000 * Math.max(...seconds) }
  throw new BenchError('ERR_BENCH_MEASUREMENT', `${command}: ${seconds.length} answers\n${stderr}${stdout}`)
}
