import type { Host } from '@reversed-vpn/test/lab'
import { BenchError } from './bench-error.js'

const INTERVAL_SECONDS = 0.02

interface PingResult {
  readonly command: string
  readonly sent: number
  readonly roundTripsMs: readonly number[]
}

/**
 * Pings for some seconds, fifty times a second, with or without answers.
 *
 * @param leadSeconds the first seconds do not count
 * @throws BenchError ERR_BENCH_MEASUREMENT when nothing comes back; LabError when ping hangs
 */
export async function runPing(
  client: Host,
  address: string,
  seconds: number,
  leadSeconds = 0,
): Promise<PingResult> {
  const count = Math.round(seconds / INTERVAL_SECONDS)
  const args = [
    '-n',
    '-i',
    String(INTERVAL_SECONDS),
    '-c',
    String(count),
    '-w',
    String(Math.ceil(seconds) + 3),
    address,
  ]
  const command = `ping ${args.join(' ')}`
  const { stdout, stderr } = await client.run('ping', args, { deadlineMs: seconds * 1000 + 10_000 })
  const answers = [...stdout.matchAll(/icmp_seq=(\d+) .* time=([\d.]+) ms/g)]
  const roundTripsMs = answers.flatMap(([, sequence, time]) =>
    Number(sequence) * INTERVAL_SECONDS > leadSeconds ? [Number(time)] : [],
  )
  // With a deadline ping sends more than the given count, until it has that many answers.
  const sent = Number(/(\d+) packets transmitted/.exec(stdout)?.[1] ?? count)
  if (roundTripsMs.length > 0) return { command, sent, roundTripsMs }
  throw new BenchError('ERR_BENCH_MEASUREMENT', `${command}: no answer\n${stderr}${stdout}`)
}
