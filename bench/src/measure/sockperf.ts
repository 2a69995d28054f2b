import { type Host, MeasureServer } from '@reversed-vpn/test/lab'
import { BenchError } from './bench-error.js'

const PORT = 11112

export interface SockperfResult {
  readonly command: string
  readonly exchanges: number
  /** Half of a round trip. */
  readonly oneWayP50Microseconds: number
  readonly oneWayP99Microseconds: number
}

/** sockperf answering on TCP. */
export function startTcpSockperf(host: Host): Promise<MeasureServer> {
  return MeasureServer.create(PORT, async () => {
    const args = ['server', '--tcp', '-i', host.addresses.ipv4, '-p', String(PORT)]
    const server = await host.spawn('sockperf', args)
    await host.waitForPort(server, PORT)
    return server
  })
}

/**
 * One message at a time to and fro over one TCP connection.
 *
 * @throws BenchError ERR_BENCH_MEASUREMENT when sockperf reports no percentiles; LabError when it hangs
 */
export async function runPingPong(
  client: Host,
  server: MeasureServer,
  address: string,
  seconds: number,
): Promise<SockperfResult> {
  const args = ['ping-pong', '--tcp', '-i', address, '-p', String(server.port), '-t', String(seconds)]
  const command = `sockperf ${args.join(' ')}`
  try {
    const { stdout, stderr } = await client.run('sockperf', args, { deadlineMs: seconds * 1000 + 10_000 })
    const percentileAt = (percent: string) => numberIn(command, stdout, stderr, `percentile ${percent} = +`)
    return {
      command,
      exchanges: numberIn(command, stdout, stderr, 'Total '),
      oneWayP50Microseconds: percentileAt('50.000'),
      oneWayP99Microseconds: percentileAt('99.000'),
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
