import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { daemonsCpuSamplesOf, spreadOfFigure } from '../compare-peers/look-up.js'
import type { MemoryRecord, Results } from '../compare-peers/results.js'
import { spreadOf } from '../measure/statistics.js'
import { REPOSITORY } from '../peers/stage.js'
import { figure } from '../report/table.js'
import { wanSamplesOf } from '../wan/loss-chart.js'
import { WAN_FIGURES, type WanFigure, type WanResults } from '../wan/wan-results.js'

/** The documents with figures in their sentences, below the root of the repository. */
export const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'docs/operating.md'] as const

/** A figure and, before it, its path in the results: `<!--figure:peer/ours/ping-pong/p50Microseconds-->61.3<!--/figure-->`. */
const FIGURE = /(<!--figure:(\S+?)-->)(.*?)(<!--\/figure-->)/g

const MEGABYTE = 1e6
const BYTE_FIGURES = ['idleRssBytes', 'peakRssBytes', 'finalRssBytes'] as const

interface FigureSources {
  readonly results: Results
  readonly wan: WanResults
}

/** Writes every figure of the documents again. A figure that the results do not have becomes a dash. */
export async function rewriteDocumentFigures(sources: FigureSources): Promise<void> {
  for (const path of DOCUMENTS) {
    const file = join(REPOSITORY, path)
    await writeFile(file, fillFigures(await readFile(file, 'utf8'), sources))
  }
}

/** The text with each figure as the results have it. */
export function fillFigures(text: string, sources: FigureSources): string {
  return text.replaceAll(FIGURE, (_, start: string, path: string, _old: string, end: string) => {
    return `${start}${figure(lookUp(path.split('/'), sources) ?? Number.NaN)}${end}`
  })
}

/** The text without its figures: what is left was written by hand. */
export function withoutFigures(text: string): string {
  return text.replaceAll(FIGURE, '')
}

/**
 * - `peer/PEER/SCENARIO/METRIC`: median of the repetitions
 * - `cpu/PEER/SCENARIO`: processor seconds of both daemons per gigabyte, median
 * - `memory/PEER/RECORD`: the larger of both daemons, in MB
 * - `wan/LINK/PEER/INNER/OUTER/FIGURE`: median over a link with delay, by inner and outer congestion control
 */
function lookUp([kind, ...path]: readonly string[], { results, wan }: FigureSources): number | undefined {
  const [first = '', second = '', third = ''] = path
  switch (kind) {
    case 'peer':
      return spreadOfFigure(results, { peer: first, scenario: second, metric: third })?.median
    case 'cpu':
      return spreadOf([...daemonsCpuSamplesOf(results, second, first).values()])?.median
    case 'memory':
      return megabytesOf(results.memory, first, second)
    case 'wan':
      return wanFigureOf(wan, path)
    default:
      return undefined
  }
}

function megabytesOf(memory: readonly MemoryRecord[], peer: string, name: string): number | undefined {
  const key = BYTE_FIGURES.find((one) => one === name)
  const daemons = memory.filter((record) => record.peer === peer && record.role !== 'proxy')
  if (key === undefined || daemons.length === 0) return undefined
  return Math.max(...daemons.map((record) => record[key])) / MEGABYTE
}

function wanFigureOf(wan: WanResults, [link = '', peer, inner, outer, name]: readonly string[]) {
  const keys = Object.keys(WAN_FIGURES) as WanFigure[]
  const key = keys.find((one) => one === name)
  const variant = wan.variants.find(
    (one) => one.peer === peer && one.inner === inner && (one.outer ?? '') === outer,
  )
  if (key === undefined || variant === undefined) return undefined
  return spreadOf(wanSamplesOf(wan, link, variant.name, key))?.median
}
