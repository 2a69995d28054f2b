import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { type Host, Lab, startIperf3, startNginx, startWanLink } from '../index.js'
import type { WanSettings } from '../wan/wan-settings.js'

const ETHERNET_BYTES = 14
const MEGABYTES = 4
const STATISTICS = '/sys/class/net/eth0/statistics'

interface LongWay extends AsyncDisposable {
  readonly lab: Lab
  readonly wan: Awaited<ReturnType<typeof startWanLink>>
  readonly caller: Host
  readonly pod: Host
}

async function open(settings: WanSettings): Promise<LongWay> {
  const lab = await Lab.create()
  try {
    const wan = await startWanLink(lab, settings)
    await lab.routeDirectly()
    const { caller, pod1: pod } = lab.hosts
    return { lab, wan, caller, pod, [Symbol.asyncDispose]: () => lab.close() }
  } catch (error) {
    await lab.close()
    throw error
  }
}

/** The round trips in milliseconds, by sequence number. */
async function ping(
  from: Host,
  address: string,
  count: number,
  everySeconds: number,
): Promise<Map<number, number>> {
  const args = ['-n', '-c', String(count), '-i', String(everySeconds), '-W', '1', address]
  const { stdout } = await from.run('ping', args, { deadlineMs: 60_000 })
  const answers = stdout.matchAll(/icmp_seq=(\d+) .*time=([\d.]+) ms/g)
  return new Map([...answers].map(([, sequence, time]) => [Number(sequence), Number(time)]))
}

/** At most that long took a quarter of them: what is left where the machine stands still again and again. */
function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 4)] ?? Number.NaN
}

/** Sends datagrams. @returns how many overtook another */
async function blast(from: Host, address: string, args: readonly string[]): Promise<number> {
  const { stdout } = await from.mustRun('iperf3', ['-c', address, '-J', '-u', ...args])
  const [stream]: readonly { readonly udp: { readonly out_of_order: number } }[] =
    JSON.parse(stdout).end.streams
  return stream?.udp.out_of_order ?? Number.NaN
}

interface Reading {
  readonly atMs: number
  /** IP packets and their bytes that a host's `eth0` has received. */
  readonly packets: number
  readonly bytes: number
}

async function readReceived(host: Host): Promise<Reading> {
  // Without a program that would have to be started between the numbers and their time, and with no time gone between them.
  const script = `until [ "$now" ] && [ "$now" = "$then" ]; do
    read then _ </proc/uptime; read bytes <${STATISTICS}/rx_bytes
    read packets <${STATISTICS}/rx_packets; read now _ </proc/uptime
  done; echo "$now $bytes $packets"`
  const { stdout } = await host.mustRun('sh', ['-c', script])
  const [uptime = 0, bytes = 0, packets = 0] = stdout.trim().split(' ').map(Number)
  return { atMs: 1000 * uptime, packets, bytes: bytes - ETHERNET_BYTES * packets }
}

t.test('adds the delay of either direction, in both families, and little more', async (t) => {
  await using link = await open({ delayMs: 30, toSeed: { delayMs: 10 } })
  for (const address of Object.values(link.pod.addresses)) {
    const times = [...(await ping(link.caller, address, 40, 0.04)).values()]
    const [least, quartile] = [Math.min(...times), lowerQuartile(times)]
    t.equal(times.length, 40, 'nothing is lost')
    t.ok(least >= 40, `never early: ${least} ms`)
    t.ok(least < 40 * 1.05, `nor late: ${least} ms`)
    t.ok(quartile - least < 40 * 0.05, `a quarter of them within ${quartile - least} ms`)
  }
  t.match(await link.wan.statistics(), {
    toShoot: { packets: 80, delivered: 80, lost: 0, dropped: 0, inFlight: 0, missed: 0 },
    toSeed: { packets: 80, delivered: 80, lost: 0, dropped: 0, inFlight: 0, missed: 0 },
  })
})

t.test(
  'lets no more through than its rate, drops at the end of its queue, and keeps the order',
  async (t) => {
    const queueBytes = 250_000
    const rates = { toShoot: 20e6, toSeed: 8e6 }
    await using link = await open({
      delayMs: 5,
      queueBytes,
      toShoot: { rateBitsPerSecond: rates.toShoot },
      toSeed: { rateBitsPerSecond: rates.toSeed },
    })
    const { caller, pod, wan } = link
    await using _server = await startIperf3(pod)
    for (const [direction, address, receiver, args] of [
      ['toShoot', pod.addresses.ipv4, pod, []],
      ['toSeed', pod.addresses.ipv4, caller, ['-R']],
      ['toShoot', pod.addresses.ipv6, pod, []],
      ['toSeed', pod.addresses.ipv6, caller, ['-R']],
    ] as const) {
      const rate = rates[direction]
      const fullMs = (8e3 * queueBytes) / rate
      const before = (await wan.statistics())[direction]
      const blasting = blast(caller, address, ['-t', '6', '-l', '1400', '-b', String(4 * rate), ...args])
      // From when the queue is full the line has no pause.
      while ((await wan.statistics())[direction].dropped === before.dropped) await pause(10)
      const first = await readReceived(receiver)
      await pause(1_000)
      const last = await readReceived(receiver)
      t.equal(await blasting, 0, 'no datagram overtook another')
      const bitsPerSecond = (8e3 * (last.bytes - first.bytes)) / (last.atMs - first.atMs)
      t.ok(
        Math.abs(bitsPerSecond / rate - 1) < 0.1,
        `${direction} ${address}: ${bitsPerSecond} of ${rate} bits/s`,
      )
      const { max } = (await wan.statistics())[direction].queueDelayMs
      t.ok(max <= fullMs && max > 0.95 * fullMs, `waited at most ${max} ms of ${fullMs}`)
    }
  },
)

t.test('loses the share it is told to, at random', async (t) => {
  const share = 0.05
  await using link = await open({ delayMs: 5, toShoot: { lossPercent: 100 * share } })
  await using _server = await startIperf3(link.pod)
  await blast(link.caller, link.pod.addresses.ipv4, ['-n', '1M', '-l', '100', '-b', '8M'])
  const { toShoot, toSeed } = await link.wan.statistics()
  t.ok(toShoot.packets > 5_000, `${toShoot.packets} packets`)
  const expected = share * toShoot.packets
  // Of a million such runs, sixty would fall outside four standard deviations.
  const bound = 4 * Math.sqrt(expected * (1 - share))
  t.ok(Math.abs(toShoot.lost - expected) < bound, `${toShoot.lost} lost, expected ${expected} ± ${bound}`)
  t.match(toShoot, { dropped: 0, missed: 0, delivered: toShoot.packets - toShoot.lost - toShoot.inFlight })
  t.equal(toSeed.lost, 0, 'the other direction has its own setting')
})

t.test('brings what was sent, cut into packets of a line, in both families', async (t) => {
  await using link = await open({ delayMs: 2, lossPercent: 1 })
  const { caller, pod, wan } = link
  await startNginx(link.lab, pod)
  const file = join(link.lab.dir, 'nginx-pod1-80', 'www', 'noise')
  const noise = randomBytes(MEGABYTES * 2 ** 20)
  await writeFile(file, noise)
  for (const address of [pod.addresses.ipv4, `[${pod.addresses.ipv6}]`]) {
    const copy = join(link.lab.dir, 'copy')
    await caller.mustRun('curl', ['-sSg', '-m', '60', '-o', copy, `http://${address}/noise`])
    t.ok(noise.equals(await readFile(copy)), address)
  }
  const { toSeed } = await wan.statistics()
  t.ok(toSeed.packets >= 2 * (noise.length / 1460), `${toSeed.packets} packets`)
  t.ok(toSeed.bytes / toSeed.packets <= 1500)
  t.ok(toSeed.lost > 0, 'some of it had to be sent again')
})

t.test('loses the same packets with the same seed, and others with another', async (t) => {
  const answered = async (seed: number) => {
    await using link = await open({ delayMs: 1, lossPercent: 20, seed })
    return [...(await ping(link.caller, link.pod.addresses.ipv4, 100, 0.005)).keys()]
  }
  const first = await answered(1)
  t.ok(first.length > 35 && first.length < 93, `${first.length} of 100 answered`)
  t.strictSame(await answered(1), first)
  t.strictNotSame(await answered(2), first)
})

t.test('ends with its lab', async (t) => {
  const { lab, wan } = await open({ delayMs: 1 })
  t.ok(wan.process.isRunning)
  await lab.close()
  t.notOk(wan.process.isRunning)
  t.notOk(existsSync(`/run/netns/${lab.hosts.node.netns}`), 'its devices went with their namespaces')
})

t.test('refuses what it cannot do', async (t) => {
  await using lab = await Lab.create()
  for (const [settings, message] of [
    [{ delayMs: -1 }, 'delayMs is -1, expected 0 to 10000'],
    [{ delayMs: 1, lossPercent: Number.NaN }, 'lossPercent is NaN, expected 0 to 100'],
    [
      { delayMs: 1, toSeed: { rateBitsPerSecond: 2e9 } },
      'rateBitsPerSecond is 2000000000, expected 1000 to 1000000000',
    ],
    [{ delayMs: 1, queueBytes: 1500 }, 'queueBytes is 1500, expected 2048 to 1000000000'],
  ] as const) {
    await t.rejects(startWanLink(lab, settings), { code: 'ERR_LAB_SETTING', message })
  }
})
