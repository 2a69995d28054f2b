import { readFile } from 'node:fs/promises'
import { type Host, MeasureServer } from '@reversed-vpn/test/lab'
import { BenchError } from './bench-error.js'
import { percentileOfTime } from './statistics.js'

export const SOCKPERF_PORT = 11112

interface SockperfResult {
  readonly command: string
  readonly exchanges: number
  /** Half of a round trip. */
  readonly oneWayP50Microseconds: number
  readonly oneWayP99Microseconds: number
  /** Weighted by time: of a hundred moments, ninety-nine were spent on exchanges that took at most this. */
  readonly oneWayP99OfTimeMicroseconds?: number
}

/** sockperf as a TCP server. */
export function startTcpSockperf(host: Host): Promise<MeasureServer> {
  return MeasureServer.create(SOCKPERF_PORT, async () => {
    const args = ['server', '--tcp', '-i', host.addresses.ipv4, '-p', String(SOCKPERF_PORT)]
    const server = await host.spawn('sockperf', args)
    await host.waitForPort(server, SOCKPERF_PORT)
    return server
  })
}

/**
 * One message at a time in both directions over one TCP connection. It sends nothing while it waits, so an idle moment has
 * hundreds of exchanges and a loaded moment of the same length has one. A log of all exchanges allows to weight them by time.
 *
 * @param logFile for that log. @default no log
 * @throws BenchError ERR_BENCH_MEASUREMENT when sockperf reports no percentiles; LabError when it hangs
 */
export async function runPingPong(
  client: Host,
  server: MeasureServer,
  address: string,
  seconds: number,
  logFile?: string,
): Promise<SockperfResult> {
  const where = ['--tcp', '-i', address, '-p', String(server.port), '-t', String(seconds)]
  const args = ['ping-pong', ...where, ...(logFile === undefined ? [] : ['--full-log', logFile])]
  const command = `sockperf ${['ping-pong', ...where].join(' ')}`
  try {
    const { stdout, stderr } = await client.run('sockperf', args, { deadlineMs: seconds * 1000 + 10_000 })
    const percentileAt = (percent: string) => numberIn(command, stdout, stderr, `percentile ${percent} = +`)
    return {
      command,
      exchanges: numberIn(command, stdout, stderr, 'Total '),
      oneWayP50Microseconds: percentileAt('50.000'),
      oneWayP99Microseconds: percentileAt('99.000'),
      ...(logFile === undefined
        ? {}
        : {
            oneWayP99OfTimeMicroseconds: percentileOfTime(latenciesIn(await readFile(logFile, 'utf8')), 99),
          }),
    }
  } catch (error) {
    await server.restart()
    throw error
  }
}

function numberIn(command: string, stdout: string, stderr: string, before: string): number {
  const found = new RegExp(`${before}(\\d+(?:\\.\\d+)?)`).exec(stdout)?.[1]
  if (found !== undefined) return Number(found)
  throw new BenchError('ERR_BENCH_MEASUREMENT', `${command}: no "${before}" in\n${stderr}${stdout}`)
}

/** `packet, txTime(sec), rxTime(sec), latency(usec)` for each exchange. */
function latenciesIn(log: string): number[] {
  return [...log.matchAll(/^\d+, [\d.]+, [\d.]+, ([\d.]+)$/gm)].map(([, latency]) => Number(latency))
}
