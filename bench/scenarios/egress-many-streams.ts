import { describeTask, type EgressTask, egressReportOf, startEgressLoad } from '../egress/load.js'
import type { Role } from '../measure/peer-process.js'
import { memoryOf } from '../measure/proc.js'
import type { Stage } from '../peers/stage.js'
import type { Metric, Scenario } from './scenario.js'

const STREAMS = 2000
const BYTES_EACH = 5e6
const STILL_SECONDS = 20
/** The length of a measurement at which it is done in full. One of a fifth has a twenty-fifth of the streams, bytes and time. */
const FULL_SECONDS = 5
const SMALL_EVERY_MS = 100
const DEADLINE_MS = 300_000
/** For opening all streams, and for the last small answers. */
const GRACE_MS = 60_000

/**
 * Many downloads at once, with every byte compared, and a small CONNECT ten times a second meanwhile.
 * @param stillStreams so many of the downloads read nothing for the first 20 s
 */
export function egressManyStreams(stillStreams: number): Scenario {
  const still = stillStreams === 0 ? '' : `, ${stillStreams} of which read nothing for ${STILL_SECONDS} s`
  return {
    name: `egress-many-${STREAMS}${stillStreams === 0 ? '' : `-still-${stillStreams}`}`,
    title: `egress: ${STREAMS} downloads of 5 MB at once${still}`,
    load: 'egress',
    isFresh: true,
    metrics: [
      { key: 'whole', title: 'received whole', unit: 'streams', isHigherBetter: true },
      stillStreams === 0
        ? { key: 'megabytesPerSecond', title: 'received', unit: 'MB/s', isHigherBetter: true }
        : { key: 'readersSeconds', title: 'until the others had all', unit: 's', isHigherBetter: false },
      ...SMALL_METRICS,
      ...MEMORY_METRICS,
    ],
    async run(stage, seconds) {
      const task = taskOf(stillStreams, seconds / FULL_SECONDS)
      const [report, small] = await runBoth(stage, task)
      const { bytes = Number.NaN, ...figures } = report
      const smallFigures = Object.entries(small).map(([key, value]) => [`small-${key}`, value])
      return {
        commands: [describeTask(task), describeTask(SMALL)],
        values: {
          ...figures,
          ...Object.fromEntries(smallFigures),
          seedPeakMegabytes: peakMegabytes(stage, 'seed'),
          shootPeakMegabytes: peakMegabytes(stage, 'shoot'),
        },
        receivedBytes: bytes,
      }
    },
  }
}

const SMALL: EgressTask = { kind: 'paced', everyMilliseconds: SMALL_EVERY_MS, milliseconds: DEADLINE_MS }

const SMALL_METRICS: readonly Metric[] = [
  { key: 'small-p50Ms', title: 'small CONNECT meanwhile p50', unit: 'ms', isHigherBetter: false },
  { key: 'small-p99Ms', title: 'small CONNECT meanwhile p99', unit: 'ms', isHigherBetter: false },
  { key: 'small-worstMs', title: 'small CONNECT meanwhile, worst', unit: 'ms', isHigherBetter: false },
  {
    key: 'small-failed',
    title: 'small CONNECT meanwhile, failed',
    unit: '',
    isHigherBetter: false,
    isZeroFine: true,
  },
]

/** Zero for a peer without a program there. */
const MEMORY_METRICS: readonly Metric[] = [
  {
    key: 'seedPeakMegabytes',
    title: 'peak memory in the seed',
    unit: 'MB',
    isHigherBetter: false,
    isZeroFine: true,
  },
  {
    key: 'shootPeakMegabytes',
    title: 'peak memory in the shoot',
    unit: 'MB',
    isHigherBetter: false,
    isZeroFine: true,
  },
]

function taskOf(stillStreams: number, length: number): Extract<EgressTask, { kind: 'many' }> {
  const part = Math.min(1, length) ** 2
  return {
    kind: 'many',
    streams: Math.round(STREAMS * part),
    bytesEach: Math.round(BYTES_EACH * part),
    stillStreams: Math.round(stillStreams * part),
    stillMilliseconds: 1000 * STILL_SECONDS * part,
    milliseconds: DEADLINE_MS,
  }
}

/** The small CONNECTs come from a process of their own, which the downloads do not delay. */
async function runBoth(stage: Stage, task: EgressTask) {
  const many = await startEgressLoad(stage, task)
  await many.waitForLine(/^(all open|failed .*)$/, { deadlineMs: GRACE_MS })
  const small = await startEgressLoad(stage, SMALL)
  try {
    await small.waitForLine(/^pacing$/, { deadlineMs: GRACE_MS })
    const report = await egressReportOf(many, task)
    await small.stop('SIGTERM', GRACE_MS)
    return [report, await egressReportOf(small, SMALL)] as const
  } finally {
    await Promise.all([many.stop(), small.stop()])
  }
}

function peakMegabytes({ path }: Stage, role: Role): number {
  const own = path.processes.filter((one) => one.role === role)
  return own.reduce((sum, { pid }) => sum + memoryOf(pid).peakRssBytes, 0) / 1e6
}
