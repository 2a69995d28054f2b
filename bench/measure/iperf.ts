import { type Host, type LabProcess, MeasureServer } from '@reversed-vpn/test/lab'
import { BenchError } from './bench-error.js'

/** The direction of the data. */
export type Direction = 'toShoot' | 'toSeed'

interface IperfLoad {
  readonly direction: Direction
  readonly seconds: number
  readonly streams?: number
  /** Congestion control of the sender. @default that of its host */
  readonly congestion?: string
  /** Whole seconds before the measurement, for a connection to reach full speed. @default 0 */
  readonly leadSeconds?: number
  /** UDP datagrams of a size, offered at a rate. @default TCP at full speed */
  readonly udp?: { readonly payloadBytes: number; readonly megabitsPerSecond: number }
}

interface IperfResult {
  readonly command: string
  /** Counted by the receiver. */
  readonly deliveredBytes: number
  readonly deliveredBitsPerSecond: number
  readonly sentBitsPerSecond: number
  readonly retransmits: number
}

interface Sum {
  readonly bytes: number
  readonly bits_per_second: number
  readonly retransmits?: number
}

export const IPERF_PORT = 5201

/** The control connection shares the tunnel with the load, so the end of a test may wait for full queues. */
const GRACE_MS = 20_000

/** iperf3 as a server with little output, so that it can run for hours. One test at a time. */
export function startIperf(host: Host): Promise<MeasureServer> {
  return MeasureServer.create(IPERF_PORT, async () => {
    const args = ['--server', '--port', String(IPERF_PORT), '--interval', '0', '--forceflush']
    const server = await host.spawn('iperf3', args)
    await waitForListening(server, 0)
    return server
  })
}

/**
 * Runs one load from a host to an iperf3 server. After a failure it restarts the server.
 *
 * @throws BenchError ERR_BENCH_MEASUREMENT when iperf3 fails or hangs, with the last lines of the server
 */
export async function runIperf(
  client: Host,
  server: MeasureServer,
  address: string,
  load: IperfLoad,
): Promise<IperfResult> {
  const args = iperfArgs(server.port, address, load)
  const command = `iperf3 ${args.join(' ')}`
  const seenLines = server.process.output.length
  try {
    const deadlineMs = (load.seconds + (load.leadSeconds ?? 0)) * 1000 + GRACE_MS
    const { stdout, stderr } = await client.run('iperf3', args, { deadlineMs })
    const result = parseIperf(command, stdout, stderr)
    await waitForListening(server.process, seenLines)
    return result
  } catch (error) {
    const serverSays = server.process.tail(8)
    await server.restart()
    throw new BenchError('ERR_BENCH_MEASUREMENT', `${(error as Error).message}\nthe server:\n${serverSays}`, {
      cause: error,
    })
  }
}

// After every test iperf3 opens its listening socket again; earlier connections are reset.
async function waitForListening(server: LabProcess, fromLine: number): Promise<void> {
  await server.waitForLine(/^Server listening on/, { fromLine })
}

function iperfArgs(port: number, address: string, load: IperfLoad): string[] {
  const { udp } = load
  return [
    ...['--client', address, '--port', String(port), '--time', String(load.seconds), '--json'],
    ...['--connect-timeout', '5000'],
    ...(load.streams === undefined ? [] : ['--parallel', String(load.streams)]),
    ...(load.direction === 'toSeed' ? ['--reverse'] : []),
    ...(load.congestion === undefined ? [] : ['--congestion', load.congestion]),
    ...(load.leadSeconds === undefined ? [] : ['--omit', String(load.leadSeconds)]),
    ...(udp === undefined
      ? []
      : ['--udp', '--length', String(udp.payloadBytes), '--bitrate', `${udp.megabitsPerSecond}M`]),
  ]
}

function parseIperf(command: string, stdout: string, stderr: string): IperfResult {
  const report = parseJson(command, stdout, stderr)
  const { sum_received: received, sum_sent: sent } = report.end ?? {}
  if (report.error !== undefined || received === undefined || sent === undefined) {
    throw new BenchError('ERR_BENCH_MEASUREMENT', `${command}: ${report.error ?? 'no sums in its report'}`)
  }
  return {
    command,
    deliveredBytes: received.bytes,
    deliveredBitsPerSecond: received.bits_per_second,
    sentBitsPerSecond: sent.bits_per_second,
    retransmits: sent.retransmits ?? 0,
  }
}

interface IperfReport {
  readonly error?: string
  readonly end?: { readonly sum_received?: Sum; readonly sum_sent?: Sum }
}

function parseJson(command: string, stdout: string, stderr: string): IperfReport {
  try {
    return JSON.parse(stdout)
  } catch (cause) {
    throw new BenchError('ERR_BENCH_MEASUREMENT', `${command}: no report\n${stderr}${stdout}`, { cause })
  }
}
