import { setInterval as every } from 'node:timers/promises'
import { describeEnvironment, type Environment } from '../measure/environment.js'
import { type Direction, runIperf } from '../measure/iperf.js'
import type { Role } from '../measure/peer-process.js'
import { memoryOf } from '../measure/proc.js'
import { log } from '../measure/progress.js'
import { median, type Point, slopeOf } from '../measure/statistics.js'
import type { Peer } from '../peers/peer.js'
import { openStages, type Stage } from '../peers/stage.js'

/** The memory of the peers' programs during minutes of full load, as written to `memory.json`. */
export interface MemoryRun {
  readonly environment: Environment
  readonly minutes: number
  readonly command: string
  readonly trends: readonly MemoryTrend[]
}

interface MemoryTrend {
  readonly peer: string
  readonly title: string
  readonly role: Role
  /** Resident bytes by seconds since the load began. */
  readonly samples: readonly Point[]
  readonly medianBytes: number
  readonly peakBytes: number
  /** Of the straight line through the samples, without the first quarter, in which caches and heaps fill. */
  readonly slopeBytesPerMinute: number
  /** Whether that line rises by at most a twentieth of the median from its start to its end. */
  readonly isFlat: boolean
}

const STREAMS = 32
const MAX_LOAD_SECONDS = 30
const SAMPLE_EVERY_MS = 1_000
const FLAT_SHARE = 0.05

/**
 * Loads one peer after the other with 32 streams, in both directions alternately, and reads the memory of its programs once
 * a second. A load that fails ends the run.
 */
export async function watchMemory(
  peers: readonly Peer[],
  minutes: number,
  command: string,
): Promise<MemoryRun> {
  const environment = await describeEnvironment()
  await using stages = await openStages(
    peers.filter(({ name, supports = ['tcp'] }) => name !== 'direct' && supports.includes('tcp')),
  )
  const trends: MemoryTrend[] = []
  for (const stage of stages.list) trends.push(...(await watchOne(stage, minutes * 60)))
  return { environment, minutes, command, trends }
}

async function watchOne(stage: Stage, totalSeconds: number): Promise<MemoryTrend[]> {
  const processes = stage.path.processes.map((one) => ({ ...one, samples: [] as Point[] }))
  const startMs = performance.now()
  const take = () => {
    const x = (performance.now() - startMs) / 1000
    for (const { pid, samples } of processes) samples.push({ x, y: memoryOf(pid).rssBytes })
  }
  const watching = new AbortController()
  const watch = sampleUntil(watching.signal, take)
  try {
    await load(stage, totalSeconds)
  } finally {
    watching.abort()
    await watch
  }
  return processes.map(({ role, pid, samples }) => ({
    peer: stage.peer.name,
    title: stage.peer.title,
    role,
    samples,
    peakBytes: memoryOf(pid).peakRssBytes,
    ...judge(samples),
  }))
}

async function load(stage: Stage, totalSeconds: number): Promise<void> {
  const endMs = performance.now() + totalSeconds * 1000
  const directions: readonly Direction[] = ['toShoot', 'toSeed']
  for (let turn = 0; ; turn++) {
    const leftSeconds = Math.round((endMs - performance.now()) / 1000)
    if (leftSeconds < 1) return
    const direction = directions[turn % directions.length] ?? 'toShoot'
    const seconds = Math.min(MAX_LOAD_SECONDS, leftSeconds)
    const result = await runIperf(stage.caller, stage.iperf, stage.podAddress, {
      direction,
      seconds,
      streams: STREAMS,
    })
    const gigabits = (result.deliveredBitsPerSecond / 1e9).toPrecision(3)
    log(`${stage.peer.name} ${direction}: ${gigabits} Gbit/s, ${leftSeconds - seconds} s left`)
  }
}

async function sampleUntil(signal: AbortSignal, take: () => void): Promise<void> {
  take()
  try {
    for await (const _ of every(SAMPLE_EVERY_MS, undefined, { signal })) take()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function judge(
  samples: readonly Point[],
): Pick<MemoryTrend, 'medianBytes' | 'slopeBytesPerMinute' | 'isFlat'> {
  const settled = samples.slice(Math.floor(samples.length / 4))
  const medianBytes = median(settled.map(({ y }) => y))
  const slope = slopeOf(settled)
  const spanSeconds = (settled.at(-1)?.x ?? 0) - (settled[0]?.x ?? 0)
  return {
    medianBytes,
    slopeBytesPerMinute: slope * 60,
    isFlat: slope * spanSeconds <= FLAT_SHARE * medianBytes,
  }
}
